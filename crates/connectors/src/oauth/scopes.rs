//! Asked and granted scopes. They are compared letter by letter, but for what providers are known to write differently.

/// Of the `asked` scopes those that `granted` lacks. `has_refresh_token`: one came along, which is what `offline_access`
/// (OpenID Connect Core, section 11; Salesforce: `refresh_token`) asks for; many providers don't list it.
#[must_use]
pub fn missing(asked: &[String], granted: &[String], has_refresh_token: bool) -> Vec<String> {
    let is_granted = |scope: &str| {
        let is_satisfied = has_refresh_token && matches!(scope, "offline_access" | "refresh_token");
        is_satisfied || contains(granted, scope)
    };
    asked.iter().filter(|scope| !is_granted(scope)).cloned().collect()
}

/// Of the `granted` scopes those that nobody `asked` for.
#[must_use]
pub fn excess(asked: &[String], granted: &[String]) -> Vec<String> {
    let is_asked = |scope: &str| {
        // Google adds it to the other two.
        let comes_along =
            scope == "openid" && ["email", "profile"].iter().any(|other| contains(asked, other));
        comes_along || contains(asked, scope)
    };
    granted.iter().filter(|scope| !is_asked(scope)).cloned().collect()
}

fn contains(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|other| canonical(other) == canonical(scope))
}

/// Google answers `email` and `profile` with their other names.
fn canonical(scope: &str) -> &str {
    match scope {
        "https://www.googleapis.com/auth/userinfo.email" => "email",
        "https://www.googleapis.com/auth/userinfo.profile" => "profile",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_asked_and_not_granted_is_missing_and_the_reverse_is_excess() {
        for (asked, granted, missed, more) in [
            ("read write", "write read", "", ""),
            ("read write", "read", "write", ""),
            ("read", "read write admin", "", "write admin"),
            ("read", "Read", "read", "Read"),
            ("repo:status", "repo", "repo:status", "repo"),
            ("read", "", "read", ""),
            ("", "", "", ""),
            (
                "openid email profile",
                "https://www.googleapis.com/auth/userinfo.email openid https://www.googleapis.com/auth/userinfo.profile",
                "",
                "",
            ),
            ("email", "https://www.googleapis.com/auth/userinfo.email openid", "", ""),
            ("read", "read openid", "", "openid"),
            (
                "read",
                "read https://www.googleapis.com/auth/userinfo.email",
                "",
                "https://www.googleapis.com/auth/userinfo.email",
            ),
        ] {
            let (asked, granted) = (scopes(asked), scopes(granted));
            assert_eq!(missing(&asked, &granted, false), scopes(missed), "{asked:?} {granted:?}");
            assert_eq!(excess(&asked, &granted), scopes(more), "{asked:?} {granted:?}");
        }
    }

    #[test]
    fn a_refresh_token_is_what_offline_access_asks_for() {
        for scope in ["offline_access", "refresh_token"] {
            let asked = scopes(&format!("read {scope}"));
            assert_eq!(missing(&asked, &scopes("read"), false), [scope]);
            assert!(missing(&asked, &scopes("read"), true).is_empty());
            assert!(missing(&asked, &asked, false).is_empty());
            // It does not come unasked.
            assert_eq!(excess(&scopes("read"), &asked), [scope]);
        }
    }
}

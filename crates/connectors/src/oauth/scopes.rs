//! Asked and granted scopes. They are compared letter by letter, but for what the catalogue says that a provider writes
//! differently.

use crate::catalogue::OAuth;

/// Of the `asked` scopes those that `granted` lacks. `has_refresh_token`: one came along, which is what `offline_access`
/// (OpenID Connect Core, section 11; Salesforce: `refresh_token`) asks for; many providers don't list it.
#[must_use]
pub fn missing(
    provider: &OAuth,
    asked: &[String],
    granted: &[String],
    has_refresh_token: bool,
) -> Vec<String> {
    let is_granted = |scope: &str| {
        let is_satisfied = has_refresh_token && matches!(scope, "offline_access" | "refresh_token");
        let is_unlisted = provider.scopes.iter().any(|known| known.scope == scope && known.unlisted);
        is_satisfied || is_unlisted || granted.iter().any(|granted| is_same(provider, scope, granted))
    };
    asked.iter().filter(|scope| !is_granted(scope)).cloned().collect()
}

/// Of the `granted` scopes those that nobody `asked` for, and that the provider isn't known to add.
#[must_use]
pub fn excess(provider: &OAuth, asked: &[String], granted: &[String]) -> Vec<String> {
    let is_tolerated = |granted: &str| {
        provider.tolerated_scopes.iter().any(|tolerated| match tolerated.strip_suffix('*') {
            Some(beginning) => granted.starts_with(beginning),
            None => granted == tolerated,
        })
    };
    let is_asked = |granted: &str| asked.iter().any(|scope| is_same(provider, scope, granted));
    granted.iter().filter(|scope| !is_asked(scope) && !is_tolerated(scope)).cloned().collect()
}

/// Whether `granted` is how the provider writes `scope`.
fn is_same(provider: &OAuth, scope: &str, granted: &str) -> bool {
    let known = provider.scopes.iter().find(|known| known.scope == scope);
    scope == granted || known.is_some_and(|known| known.granted_as.iter().any(|spelling| spelling == granted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use serde_json::json;

    fn scopes(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn provider() -> OAuth {
        serde_json::from_value(json!({
            "authorize_url": "", "token_url": "", "refresh": { "kind": "kept" },
            "scopes": [
                { "scope": "email", "why": "", "granted_as": ["https://example.com/email", "mail"] },
                { "scope": "hidden", "why": "", "unlisted": true },
            ],
            "tolerated_scopes": ["openid", "session:role:*"],
        }))
        .unwrap()
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
            ("email", "https://example.com/email mail", "", ""),
            ("https://example.com/email", "email", "https://example.com/email", "email"),
            ("read", "read mail", "", "mail"),
            ("hidden", "", "", ""),
            ("read", "read openid openid2 session:role:x session:role", "", "openid2 session:role"),
        ] {
            let (asked, granted) = (scopes(asked), scopes(granted));
            assert_eq!(
                missing(&provider(), &asked, &granted, false),
                scopes(missed),
                "{asked:?} {granted:?}"
            );
            assert_eq!(excess(&provider(), &asked, &granted), scopes(more), "{asked:?} {granted:?}");
        }
    }

    #[test]
    fn google_s_other_spellings_are_in_the_catalogue() {
        let google = catalogue::get("google-sign-in").unwrap().oauth.as_ref().unwrap();
        let asked: Vec<_> = google.scopes.iter().map(|scope| scope.scope.clone()).collect();
        let granted = scopes(
            "https://www.googleapis.com/auth/userinfo.email openid https://www.googleapis.com/auth/userinfo.profile",
        );
        assert!(missing(google, &asked, &granted, false).is_empty());
        assert!(excess(google, &asked, &granted).is_empty());
    }

    #[test]
    fn a_refresh_token_is_what_offline_access_asks_for() {
        for scope in ["offline_access", "refresh_token"] {
            let asked = scopes(&format!("read {scope}"));
            assert_eq!(missing(&provider(), &asked, &scopes("read"), false), [scope]);
            assert!(missing(&provider(), &asked, &scopes("read"), true).is_empty());
            assert!(missing(&provider(), &asked, &asked, false).is_empty());
            // It does not come unasked.
            assert_eq!(excess(&provider(), &scopes("read"), &asked), [scope]);
        }
    }
}

//! D13: a refused field is marked, its message stands at it, and what was typed stays. The forms are those that the pages
//! really hold, so that a new field is among them.

use super::*;
use std::cell::Cell;

/// A form as a page holds it.
struct Held {
    path: String,
    hidden: Vec<(String, String)>,
    seen: Vec<(String, String)>,
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    let value = rest.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

/// What somebody types there that the form takes.
fn typed(name: &str) -> &'static str {
    if name == "headers" { "X-A: 1" } else { "1" }
}

fn forms(page: &str) -> Vec<Held> {
    let forms = page.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap());
    forms
        .filter(|form| form.starts_with(" method=\"post\"") || form.contains(" method=\"post\" "))
        .map(held)
        .collect()
}

fn held(form: &str) -> Held {
    let mut held = Held { path: attribute(form, "action").unwrap(), hidden: Vec::new(), seen: Vec::new() };
    for tag in
        form.split('<').filter(|tag| ["input", "select", "textarea"].iter().any(|kind| tag.starts_with(kind)))
    {
        let Some(name) = attribute(tag, "name") else { continue };
        let value = attribute(tag, "value").unwrap_or_default();
        if tag.contains("type=\"hidden\"") {
            // An id that no route would take: the fixtures' texts are hostile.
            let value = if value.contains('<') { "gmail".to_owned() } else { value };
            held.hidden.push((name, value));
        } else if tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"") {
            if !held.seen.iter().any(|(seen, _)| *seen == name) {
                held.seen.push((name, value));
            }
        } else if tag.starts_with("select") {
            let rest = form.split(&format!("name=\"{}\"", attribute(tag, "name").unwrap())).nth(1).unwrap();
            let option = rest.split("<option").nth(1).and_then(|option| attribute(option, "value"));
            held.seen.push((name, option.unwrap_or_default()));
        } else {
            let text = if tag.contains(" readonly") { value } else { typed(&name).to_owned() };
            held.seen.push((name, text));
        }
    }
    held
}

fn encoded(fields: &[(String, String)]) -> String {
    let escape = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    fields.iter().map(|(name, value)| format!("{}={}&", escape(name), escape(value))).collect()
}

/// Refuses the form's own call, by the error that the API has for the field.
fn refusing_field(field: &str) -> FakePlane {
    let (first, field) = (Cell::new(true), field.to_owned());
    FakePlane::new(move |call, _| {
        if !first.replace(false) {
            return reply(200, answer(&call.operation));
        }
        let code = Code::ValidationFailed;
        let detail = protocol::Detail::field(field.clone(), "must be <better>");
        let problem =
            protocol::Problem::with_detail(code, Some(detail), protocol::RequestId::new(0, [0; 10]));
        reply(code.status(), problem)
    })
}

/// Asserts it of every field of every form of a page. `signed_in`: whose page it is.
fn check(page_path: &str, signed_in: bool, cookies: &str, seen_forms: &mut usize) {
    // Choices of which none is wrong: what is said of them stands above the form.
    let above = ["auth_type", "method", "failed_only", "no_headers", "role"];
    let page = browse("GET", page_path, signed_in, cookies, "", &hostile()).unwrap();
    for form in forms(&page.body) {
        for (name, value) in form.seen.iter().filter(|(name, _)| !name.contains('<') && name != "scopes") {
            *seen_forms += 1;
            let body = encoded(&form.hidden) + &encoded(&form.seen);
            let said = format!("{page_path} {} {:?} {name}", form.path, form.hidden.get(1));
            let answer =
                browse("POST", &form.path, signed_in, cookies, &body, &refusing_field(name)).unwrap();
            if above.contains(&name.as_str()) {
                assert!(answer.body.contains(&format!("{name}: must be &lt;better&gt;")), "{said}");
                continue;
            }
            assert_eq!(answer.status, 422, "{said}");
            let id = format!("id=\"wrong-{name}\"");
            assert!(
                answer.body.contains(&format!("<p class=\"fault\" {id}>Must be &lt;better&gt;.</p>")),
                "{said}"
            );
            let marked = answer.body.split('<').filter(|tag| tag.contains("aria-invalid=\"true\""));
            let names: Vec<String> = marked.clone().filter_map(|tag| attribute(tag, "name")).collect();
            assert!(!names.is_empty() && names.iter().all(|marked| marked == name), "{said}: {names:?}");
            assert!(answer.body.contains(&format!("aria-describedby=\"wrong-{name}\"")), "{said}");
            // One connector of the fixtures asks twice for the same kind of credential.
            assert!(answer.body.matches(&id).count() == 1 || form.path == "/connections", "{said}");
            assert!(answer.body.contains("role=\"alert\""), "{said}");
            let secret = ["password", "code", "token", "value", "secret", "headers"]
                .iter()
                .any(|part| name.contains(part));
            let kept = marked.clone().any(|tag| attribute(tag, "value").as_ref() == Some(value))
                || answer.body.contains(&format!(">{value}</textarea>"));
            let chosen = marked.clone().any(|tag| {
                tag.starts_with("select") || tag.contains("=\"checkbox\"") || tag.contains("=\"radio\"")
            });
            assert!(chosen || kept != secret, "{said}: kept {kept}, secret {secret}");
        }
    }
}

#[test]
fn d13_every_field_of_every_form_can_be_marked() {
    let (con, end) = (id("con_"), id("end_"));
    let mut fields = 0;
    for page in ["/", "/sign-in/code", "/finish-sign-up", "/forgot-password", "/reset-password", "/join"] {
        check(page, false, COOKIES, &mut fields);
    }
    for page in [
        "/connections",
        "/connectors/gmail",
        &format!("/connectors/gmail?replace={con}"),
        &format!("/connections/{con}"),
        "/keys",
        &format!("/keys/{}/rotate", id("key_")),
        "/sources",
        &format!("/sources/{SOURCE}"),
        &format!("/events/{}", id("ine_")),
        "/endpoints",
        &format!("/endpoints/{end}"),
        "/messages",
        "/event-types",
        "/event-types/a.b",
        "/portal-links",
        "/workspace",
        "/admin/keys",
        "/members",
        "/account",
        "/confirm",
    ] {
        check(page, true, COOKIES, &mut fields);
    }
    assert!(fields > 100, "{fields}");
}

/// What the API calls otherwise than the form is marked too; what no field is for is said above.
#[test]
fn d13_the_apis_names_lead_to_the_forms() {
    let key =
        "action=create&name=n&app_scopes=&expires_on=&allowed_ips=&external_id=&limit=&period_seconds=60";
    let own = "action=create&name=n&app_scopes=app.x&expires_on=&allowed_ips=&limit=&period_seconds=60";
    let bearer =
        "action=create&name=n&base_url=u&auth_type=bearer&token=t&parameter=p&value=&username=&password=";
    for (path, form, field, marked) in [
        ("/keys", key, "scopes", Some("scopes")),
        ("/keys", own, "scopes", Some("app_scopes")),
        ("/keys", key, "expires_at", Some("expires_on")),
        ("/keys", key, "rate_limit", Some("limit")),
        ("/keys", key, "rate_limit.period_seconds", Some("period_seconds")),
        ("/keys", key, "allowed_ips", Some("allowed_ips")),
        ("/connections", bearer, "auth.token", Some("token")),
        ("/connections", bearer, "auth.header", Some("parameter")),
        ("/connections", bearer, "auth.username", Some("username")),
        ("/connections", bearer, "auth.type", None),
        ("/connections", bearer, "connector", None),
        ("/connections", bearer, "elsewhere", None),
    ] {
        let answer =
            post(path, &format!("csrf_token={}&{form}", csrf_token()), &refusing_field(field)).unwrap();
        let ids: Vec<&str> =
            answer.body.split("id=\"wrong-").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(ids, Vec::from_iter(marked), "{field}");
        let above = format!("{field}: must be &lt;better&gt;");
        assert_eq!(answer.body.contains(&above), marked.is_none(), "{field}");
    }
}

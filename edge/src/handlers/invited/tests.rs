use crate::handlers::fixtures::*;
use crate::testing::*;
use protocol::{Code, Operation, Role};
use serde_json::json;

const COOKIES: &str = "__Host-sluicegate_join=inv_1";

/// A control plane that knows one invitation, and who is signed in.
fn inviting(email: &'static str, role: Role) -> FakePlane {
    FakePlane::new(move |call, _| match &call.operation {
        Operation::PeekInvitation { .. } => reply(
            200,
            json!({ "email": email, "org_name": "Engines <b>", "role": role, "inviter": "Ada King" }),
        ),
        other => reply(200, answer(other)),
    })
}

fn join(signed_in: bool, plane: &FakePlane) -> crate::verdict::Answer {
    browse("GET", "/join", signed_in, COOKIES, "", plane).unwrap()
}

/// D11: who is invited learns by whom, where to and as what, in the words of the Members page, and types no address again.
#[test]
fn the_join_page_says_who_invites_to_what_as_what_and_for_which_address() {
    for role in [Role::Member, Role::OrgAdmin] {
        let page = join(false, &inviting("grace@example.com", role));
        assert_eq!(page.status, 200);
        for said in ["Ada King", "Engines &lt;b&gt;", role.title(), role.summary()] {
            assert!(page.body.contains(said), "{said}: {}", page.body);
        }
        let field = page.body.split("<input").find(|input| input.contains("name=\"email\"")).unwrap();
        assert!(field.contains("value=\"grace@example.com\"") && field.contains("readonly"), "{field}");
        let members = browse("GET", "/members", true, "", "", &hostile()).unwrap();
        assert!(members.body.contains(role.summary()), "the same sentence");
    }
    let plane = inviting("grace@example.com", Role::Member);
    join(false, &plane);
    let token = protocol::api::ShownOnce("inv_1".into());
    assert_eq!(plane.operations(), [Operation::PeekInvitation { token }]);
}

/// The button is offered to the invited person alone.
#[test]
fn somebody_else_who_is_signed_in_is_told_and_offered_no_button() {
    let form = "action=\"/join\"";
    assert!(join(true, &inviting(EVIL, Role::Member)).body.contains(form), "the fixture's own email");
    let other = join(true, &inviting("grace@example.com", Role::Member));
    assert!(!other.body.contains(form) && other.body.contains("for another email address"));
}

/// What is over is said before anything is typed, and forgotten. Where it cannot be said now, the form is there.
#[test]
fn an_invitation_that_is_over_shows_no_form_and_one_that_is_unknown_now_does() {
    for signed_in in [false, true] {
        let of = |code: Code| {
            FakePlane::new(move |call, _| match &call.operation {
                Operation::PeekInvitation { .. } => refusal(code),
                other => reply(200, answer(other)),
            })
        };
        let over = join(signed_in, &of(Code::InvalidLink));
        assert!(over.status == 400 && !over.body.contains("action=\"/join"), "{}", over.body);
        let cleared = |(name, value): &(_, String)| {
            *name == "set-cookie" && value.starts_with("__Host-sluicegate_join=;")
        };
        assert!(over.headers.iter().any(|(name, value)| cleared(&(&**name, value.to_string()))));
        let unknown = join(signed_in, &of(Code::Unavailable));
        assert!(unknown.status == 200 && unknown.body.contains("action=\"/join"), "{}", unknown.body);
    }
}

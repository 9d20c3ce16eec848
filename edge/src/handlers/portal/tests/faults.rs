//! D13 in the portal: a refused field is marked, its message stands at it, and what was typed stays.

use super::*;

#[test]
fn d13_a_refused_field_is_marked() {
    let end = id("end_");
    let fields = "url=https%3A%2F%2Fkept.test&event_types=kept.a&description=kept";
    for (form, name) in [
        (format!("action=create&{fields}&headers=&signature=v1a"), "url"),
        (format!("action=create&{fields}&headers=&signature=v1a"), "event_types"),
        (format!("action=create&{fields}&headers=A:b&signature=v1a"), "headers"),
        (format!("action=create&{fields}&headers=&signature=v1a"), "signature"),
        (format!("action=update&id={end}&{fields}&headers="), "url"),
        (format!("action=update&id={end}&{fields}&headers="), "description"),
        (format!("action=rotate&id={end}&overlap_seconds=3600"), "overlap_seconds"),
    ] {
        let plane = FakePlane::new(move |call, _| {
            use Operation as O;
            match call.operation {
                O::CreateEndpoint | O::UpdateEndpoint { .. } | O::RotateEndpointSecret { .. } => {
                    let detail = protocol::Detail::field(name, "must be better");
                    let id = protocol::RequestId::new(0, [0; 10]);
                    reply(422, protocol::Problem::with_detail(Code::ValidationFailed, Some(detail), id))
                }
                _ => reply(200, answer(&call.operation)),
            }
        });
        let body = post(&form, &plane).body;
        let at = format!("<p class=\"fault\" id=\"wrong-{name}\">Must be better.</p>");
        assert_eq!(body.matches(&at).count(), 1, "{form} {name}");
        let marked: Vec<&str> = body.split('<').filter(|tag| tag.contains("aria-invalid=\"true\"")).collect();
        assert_eq!(marked.len(), 1, "{form} {name}: {marked:?}");
        assert!(marked[0].contains(&format!(" name=\"{name}\"")), "{form} {name}: {marked:?}");
        assert!(marked[0].contains(&format!("aria-describedby=\"wrong-{name}\"")), "{form} {name}");
        let kept = ["https://kept.test", "kept.a", "value=\"kept\""].iter().all(|text| body.contains(text));
        assert!(kept || form.starts_with("action=rotate"), "{form} {name}");
    }
}

//! The operator, across orgs.

use super::world::{PASSWORD, World};
use crate::asks::AskOrg;
use protocol::{Code, Operation, OrgId, Region};
use serde_json::{Value as Json, json};

#[test]
fn n2_only_an_operators_session_reaches_another_org() {
    let world = World::new();
    let ada = world.sign_up("ada@example.com");
    let root = world.sign_up_verified("root@example.com");
    let password_alone = world.signed_in("root@example.com", PASSWORD);
    let root = world.with_second_factor(&root).sign_in(&world);
    let org = ada.org.clone();
    let all = [
        (Operation::SetOrgPlan { org: org.clone() }, json!({ "plan": "scale" })),
        (Operation::SetOrgLimits { org: org.clone() }, json!({})),
        (Operation::GetOrgAsOperator { org: org.clone() }, Json::Null),
    ];
    for (operation, body) in all {
        for outsider in [&ada, &password_alone] {
            assert_eq!(world.refused(&outsider.principal, operation.clone(), &body), Code::Forbidden);
        }
        world.run(&root.principal, operation, &body).unwrap();
    }
    let orgs = world.orgs.borrow();
    let asks: Vec<_> = orgs[&org]
        .asks
        .iter()
        .filter_map(|ask| match ask {
            AskOrg::SetPlan { operator, plan, at_once: false } if plan == "scale" => Some(operator),
            AskOrg::SetLimits { operator, .. } | AskOrg::Describe { operator } => Some(operator),
            _ => None,
        })
        .collect();
    assert_eq!(asks, [&root.user; 3]);
}

#[test]
fn an_org_that_never_was_is_not_found_and_not_made() {
    let world = World::new();
    let root = world.sign_up_verified("root@example.com");
    let root = world.with_second_factor(&root).sign_in(&world);
    let operation = Operation::GetOrgAsOperator { org: OrgId::new(Region::Eu, [9; 16]) };
    assert_eq!(world.refused(&root.principal, operation, &Json::Null), Code::NotFound);
    assert_eq!(world.orgs.borrow().len(), 1);
}

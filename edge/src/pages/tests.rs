use crate::testing::*;

/// B11: the security page says the configured values, whatever they are.
#[test]
fn b11_the_security_page_says_what_is_configured() {
    let mut state = state_with(|config| {
        config.sessions.access_seconds = 777;
        config.revocation.max_staleness_seconds = 13;
        config.limits.webhook_body_bytes = 424_242;
        config.rate_limits.auth = config::Quota { limit: 3, period_seconds: 11 };
        config.csp.img_src = vec!["https://img.test".into()];
    });
    let answer = answered(&mut state, &head("GET", "/security", &[]));
    for said in [
        "777 seconds",
        "at most 13 seconds old",
        "424242 bytes",
        "3 requests in 11 seconds",
        "img-src https://img.test",
        "max-age=63072000",
        "href=\"mailto:security@example.com\"",
    ] {
        assert!(answer.body.contains(said), "{said}");
    }
}

/// T1, B11: the page lists every connector of this build with the scopes that it sends, and no other.
#[test]
fn t1_b11_the_security_page_lists_each_connectors_scopes_as_sent() {
    let body = answered(&mut state(), &head("GET", "/security", &[])).body;
    let text = |text: &str| text.replace('&', "&amp;");
    let row = |name: &str| {
        let rows = body.split("<tr>").filter(|row| row.starts_with(&format!("<td>{}</td>", text(name))));
        rows.map(str::to_owned).collect::<Vec<_>>()
    };
    for connector in connectors::catalogue::all() {
        let rows = row(connector.name);
        assert_eq!(rows.len(), 1, "{}", connector.id);
        for scope in connector.scopes {
            assert!(
                rows[0].contains(&format!("<code class=\"wrap\">{}</code>", text(scope.scope))),
                "{}",
                scope.scope
            );
        }
        assert_eq!(rows[0].matches("<code").count(), connector.scopes.len(), "{}", connector.id);
        let writes = rows[0].contains("by a person's click");
        assert_eq!(writes, connector.writes && connector.id != "http", "{}", connector.id);
    }
    assert!(row("Gmail")[0].contains(">https://www.googleapis.com/auth/gmail.readonly<"));
    for scope in ["read:jira-work", "read:jira-user", "write:jira-work", "offline_access"] {
        assert!(row("Jira Cloud")[0].contains(&format!(">{scope}<")), "{scope}");
    }
}

/// M8, N4, B6, C6: what holds for webhooks is said with the configured values.
#[test]
fn m8_n4_b6_c6_the_security_page_says_what_holds_for_webhooks() {
    let mut state = state_with(|config| {
        config.detections.signature_failures = config::Quota { limit: 17, period_seconds: 71 };
        config.limits.message_bytes = 3 << 20;
        config.retention.inbound_events_days = 23;
        config.retention.messages_days = 32;
    });
    let body = answered(&mut state, &head("GET", "/security", &[])).body;
    let providers = format!("the schemes of {} providers", webhooks::providers().len());
    let tolerances = webhooks::providers().iter().filter_map(webhooks::Provider::tolerance_seconds);
    let most = format!("{} seconds", tolerances.max().unwrap());
    for said in [
        providers.as_str(),
        most.as_str(),
        "more than 17 in 71 seconds",
        "never to the sender",
        "3 MiB, delivered to the byte",
        "readable for 23 days",
        "attempts for 32 days",
        "at least once",
    ] {
        assert!(body.contains(said), "{said}");
    }
}

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

//! What a `User-Agent` says of a device, for a person to recognise their own: a client's claim, never a proof.

/// The longest name of a program that is not in the table, characters.
const MAX_PRODUCT: usize = 60;

/// Tokens of browsers and what they are called. Order matters: a browser also names those that it wants to be taken for.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Likewise: Android says Linux too, and an iPhone says Mac OS X.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// `Firefox on Linux`; `curl` and other programs by their own name; `Unknown` for what names none.
pub(super) fn name(user_agent: &str) -> String {
    let find = |table: &[(&str, &'static str)]| {
        table.iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| *name)
    };
    // All browsers begin so, and hardly anything else does.
    if user_agent.starts_with("Mozilla/") {
        return match (find(&BROWSERS), find(&SYSTEMS)) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => "Unknown".to_owned(),
        };
    }
    let product = user_agent.split(['/', ' ', '(']).next().unwrap_or_default();
    let product: String = product.chars().filter(|c| !c.is_control()).take(MAX_PRODUCT).collect();
    if product.is_empty() { "Unknown".to_owned() } else { product }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_clients_are_called_by_name() {
        for (user_agent, device) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 \
                 Safari/537.36 Edg/126.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.7.1", "curl"),
            ("python-requests/2.32.3", "python-requests"),
            ("Acme SDK", "Acme"),
            ("Mozilla/5.0", "Unknown"),
            ("", "Unknown"),
        ] {
            assert_eq!(name(user_agent), device, "{user_agent}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_short_and_plain_whatever_a_client_claims(user_agent in ".{0,256}") {
            let name = name(&user_agent);
            prop_assert!((1..=MAX_PRODUCT).contains(&name.chars().count()));
            prop_assert!(!name.chars().any(char::is_control));
        }
    }
}

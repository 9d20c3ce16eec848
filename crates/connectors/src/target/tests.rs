use proptest::prelude::*;

use super::*;

fn public(base_url: &str) -> Result<BaseUrl, Error> {
    BaseUrl::parse(base_url, TargetPolicy::Public)
}

fn base(base_url: &str) -> BaseUrl {
    public(base_url).unwrap()
}

#[test]
fn base_urls_are_normalised_and_name_their_host() {
    for (given, stored, host) in [
        ("https://api.example.com", "https://api.example.com/", "api.example.com"),
        ("https://api.example.com/v1/", "https://api.example.com/v1", "api.example.com"),
        ("HTTPS://API.Example.COM:443/V1", "https://api.example.com/V1", "api.example.com"),
        ("https://api.example.com:8443/a/b", "https://api.example.com:8443/a/b", "api.example.com:8443"),
        ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://1.1.1.1/dns", "https://1.1.1.1/dns", "1.1.1.1"),
        (
            "https://[2606:4700:4700::1111]:444",
            "https://[2606:4700:4700::1111]:444/",
            "[2606:4700:4700::1111]:444",
        ),
    ] {
        let base = base(given);
        assert_eq!(base.as_str(), stored);
        assert_eq!(base.allowed_hosts(), [host]);
        assert_eq!(public(stored).unwrap(), base, "the stored form must read back");
    }
}

/// Claim B2, invariant 4.
#[test]
fn base_urls_that_hide_or_add_something_are_refused() {
    for given in [
        "",
        "api.example.com",
        "//api.example.com",
        "https:api.example.com",
        "https:/api.example.com",
        "https:///api.example.com",
        "https://",
        "https://user@api.example.com",
        "https://user:password@api.example.com",
        "https://@api.example.com",
        "https://api.example.com@evil.example",
        "https://api.example.com%40evil.example",
        "https://api.example.com?",
        "https://api.example.com/?key=1",
        "https://api.example.com#",
        "https://api.example.com/#@evil.example",
        "https://api.example.com\\@evil.example",
        "https:\\\\api.example.com",
        "https://api.example.com/a\\b",
        " https://api.example.com",
        "https://api.example.com ",
        "https://api.exa\tmple.com",
        "https://api.example.com/\nx",
        "ht\ntps://api.example.com",
        "https://api.example.com/a/../b",
        "https://api.example.com/%2e%2e/b",
        "https://api.example.com/a%2fb",
        "https://api.example.com/a%20b",
        "https://api.example.com/\"",
        "https://api.example.com/caf\u{e9}",
        "https://api.example.com/a%00",
        "https://api.example.com:99999",
        "https://[::1",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "ws://api.example.com",
        "javascript://api.example.com",
        "data://text",
    ] {
        assert_eq!(public(given), Err(Error::BaseUrlInvalid), "{given:?}");
    }
    assert_eq!(public(&format!("https://api.example.com/{}", "a".repeat(3000))), Err(Error::BaseUrlInvalid));
    assert_eq!(public("http://api.example.com"), Err(Error::BaseUrlInsecure));
}

/// Claim B2: the server-side request forgery table.
#[test]
fn hosts_inside_a_network_are_refused_in_every_spelling() {
    for host in [
        "localhost",
        "LOCALHOST",
        "loc\u{ff41}lhost",
        "localhost.",
        "app.localhost",
        "localhost.localdomain",
        "printer.local",
        "vault.internal",
        "metadata",
        "metadata.google.internal",
        "metadata.google.internal.",
        "METADATA.GOOGLE.INTERNAL",
        "instance-data.ec2.internal",
        "router.home.arpa",
        "1.0.0.127.in-addr.arpa",
        "intranet",
        "db.corp",
        "nas.lan",
        "x.onion",
        "api.example.com.",
        "a..example.com",
        ".example.com",
        "a!b.example.com",
        "a,b.example.com",
        "a'b.example.com",
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0x7f.0x0.0x0.0x1",
        "127.0.0.0x1",
        "%31%32%37.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "\u{2460}27.0.0.1",
        "10.0.0.1",
        "10.1",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "169.254.169.254",
        "169.254.43518",
        "2852039166",
        "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE",
        "0251.0376.0251.0376",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:8.8.8.8]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "[ff02::1]",
        "[2001:db8::1]",
    ] {
        assert_eq!(public(&format!("https://{host}/v1")), Err(Error::HostNotAllowed), "{host}");
    }
    // Not hosts at all.
    for host in [
        "127.0.0.256",
        "0x100000000",
        "1.2.3.4.5",
        "[fe80::1%25eth0]",
        "[::1]x",
        "a b",
        "ex%00ample.com",
        "%",
    ] {
        assert_eq!(public(&format!("https://{host}/v1")), Err(Error::BaseUrlInvalid), "{host}");
    }
}

#[test]
fn names_that_only_resemble_local_ones_are_allowed() {
    for host in [
        "localhost.example.com",
        "internal.example.com",
        "local.example.com",
        "metadata.example.com",
        "notlocal.io",
    ] {
        assert!(public(&format!("https://{host}")).is_ok(), "{host}");
    }
}

#[test]
fn development_reaches_this_machine_but_never_metadata() {
    let development = |url: &str| BaseUrl::parse(url, TargetPolicy::Development);
    for url in [
        "http://localhost:8080",
        "http://127.0.0.1:9000/v1",
        "http://[::1]:9000",
        "http://192.168.1.5",
        "http://upstream:3000",
        "http://api.example.com",
        "https://api.example.com",
    ] {
        assert!(development(url).is_ok(), "{url}");
    }
    assert_eq!(development("http://127.0.0.1:9000/v1").unwrap().allowed_hosts(), ["127.0.0.1:9000"]);
    for url in [
        "http://169.254.169.254",
        "http://2852039166",
        "http://[fd00:ec2::254]",
        "http://[fe80::1]",
        "http://100.100.100.200",
        "http://168.63.129.16",
        "http://0.0.0.0",
        "http://[::ffff:127.0.0.1]",
        "http://metadata",
        "http://metadata.google.internal",
    ] {
        assert_eq!(development(url), Err(Error::HostNotAllowed), "{url}");
    }
    assert_eq!(development("ftp://localhost"), Err(Error::BaseUrlInvalid));
}

#[test]
fn b2_mail_and_database_servers_are_public_hosts_as_written() {
    let check = |host, port| check_host(host, port, TargetPolicy::Public);
    for host in ["mail.example.com", "xn--bcher-kva.example", "1.1.1.1", "[2606:4700:4700::1111]"] {
        assert_eq!(check(host, 993), Ok(()), "{host}");
        assert_eq!(check(host, 0), Err(Error::PortNotAllowed));
        assert_eq!(check(host, 25), Err(Error::PortNotAllowed));
    }
    for host in [
        "localhost",
        "LOCALHOST",
        "mail",
        "db.internal",
        "metadata.google.internal",
        "metadata.google.internal.",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "10.0.0.5",
        "169.254.169.254",
        "168.63.129.16",
        "[::1]",
        "[::ffff:8.8.8.8]",
        "[fd00:ec2::254]",
        "mail.example.com.",
    ] {
        assert_eq!(check(host, 993), Err(Error::HostNotPublic), "{host}");
    }
    for host in [
        "",
        "::1",
        "[::1",
        "mail.example.com:993",
        "mail.example.com/x",
        "user@mail.example.com",
        "mail.example.com\r\n",
        "mail example.com",
        "Mail.example.com",
        "b\u{fc}cher.example",
        "%6dail.example.com",
        "0x01010101",
        "1.1",
        "[2606:4700:4700:0::1111]",
    ] {
        assert_eq!(check(host, 993), Err(Error::HostInvalid), "{host:?}");
    }
    let development = |host| check_host(host, 5432, TargetPolicy::Development);
    assert!(["localhost", "127.0.0.1", "db", "10.0.0.5"].iter().all(|host| development(host).is_ok()));
    assert_eq!(development("169.254.169.254"), Err(Error::HostNotPublic));
}

#[test]
fn paths_are_appended_to_the_base_path() {
    let versioned = base("https://api.example.com/v1");
    let root = base("https://api.example.com");
    for (base, path, url) in [
        (&versioned, "users", "https://api.example.com/v1/users"),
        (&versioned, "/users", "https://api.example.com/v1/users"),
        (&versioned, "users/", "https://api.example.com/v1/users/"),
        (&versioned, "", "https://api.example.com/v1"),
        (&versioned, "/", "https://api.example.com/v1/"),
        (&versioned, "?page=2", "https://api.example.com/v1?page=2"),
        (&versioned, "users?page=2&q=a%20b", "https://api.example.com/v1/users?page=2&q=a%20b"),
        (&versioned, "users?next=/../../x", "https://api.example.com/v1/users?next=/../../x"),
        (&versioned, "a?b?c", "https://api.example.com/v1/a?b?c"),
        (&versioned, "a//b", "https://api.example.com/v1/a//b"),
        (&versioned, "projects/group%2Fname", "https://api.example.com/v1/projects/group%2Fname"),
        (&versioned, "@me", "https://api.example.com/v1/@me"),
        (&versioned, "user@evil.example/x", "https://api.example.com/v1/user@evil.example/x"),
        (&versioned, "v2:search", "https://api.example.com/v1/v2:search"),
        (&versioned, "a...b/..c/d../.well-known", "https://api.example.com/v1/a...b/..c/d../.well-known"),
        (&versioned, "a;x=1;y=2", "https://api.example.com/v1/a;x=1;y=2"),
        (&versioned, "100%", "https://api.example.com/v1/100%"),
        // An endpoint of its own: nothing, not even a slash, is put behind it.
        (&versioned, "", "https://api.example.com/v1"),
        (&versioned, "?a=1", "https://api.example.com/v1?a=1"),
        (&versioned, "/", "https://api.example.com/v1/"),
        (&root, "users", "https://api.example.com/users"),
        (&root, "", "https://api.example.com/"),
    ] {
        assert_eq!(base.join(path).unwrap().as_str(), url, "{path:?}");
    }
}

/// Claim B2, invariant 4.
#[test]
fn paths_that_climb_or_leave_are_refused() {
    for base in [base("https://api.example.com/v1"), base("https://api.example.com")] {
        for path in [
            "..",
            ".",
            "../admin",
            "/../admin",
            "a/../../admin",
            "a/..",
            "a/./b",
            "%2e%2e/admin",
            "%2E%2E/admin",
            ".%2e/admin",
            "%2e./admin",
            "%2e",
            "..%2fadmin",
            "a%2f..%2fb",
            "a%2f%2e%2e%2fb",
            "..%5cadmin",
            "%252e%252e/admin",
            "%252e%252e%252fadmin",
            "%25252e%25252e/admin",
            "..;/admin",
            "..;x=1/admin",
            "%2e%2e;/admin",
            "..%3b/admin",
            "a\\..\\b",
            "\\admin",
            "\\\\evil.example/x",
            "/\\evil.example/x",
            "a%5c..%5cb",
            "//evil.example/x",
            "///evil.example/x",
        ] {
            assert_eq!(base.join(path), Err(Error::PathEscapesBase), "{path:?}");
        }
        for path in [
            "https://evil.example/x",
            "HTTPS://evil.example/x",
            "https:/evil.example/x",
            "javascript:/x",
            "a b",
            "a\tb",
            "a\nb",
            "a\r\nhost: evil.example",
            "\0",
            "a%00b",
            "a%0d%0ab",
            "a%09b",
            "a%250ab",
            "caf\u{e9}",
            "a#b",
            "..%0a/admin",
            "%2525252525252e",
        ] {
            assert_eq!(base.join(path), Err(Error::PathInvalid), "{path:?}");
        }
        assert_eq!(base.join(&"a/".repeat(5000)), Err(Error::PathInvalid));
    }
}

proptest! {
    /// Claim B2, invariant 4: whatever the path, the URL keeps its origin and stays below the base path.
    #[test]
    fn no_path_leaves_its_base(
        path in prop_oneof![
            "[ -~]{0,40}",
            r"\PC{0,20}",
            prop::collection::vec(
                prop::sample::select(vec![
                    "..", ".", "/", "//", "\\", "%2e", "%2E", "%2f", "%5c", "%25", "2e", ";", "@", ":", "a", "?", "#",
                    "\t", "\n", "evil.example", "https:", "%00", " ", "v1",
                ]),
                0..12,
            ).prop_map(|parts| parts.concat()),
        ],
        base_url in prop::sample::select(vec!["https://api.example.com/v1", "https://api.example.com:8443", "https://1.1.1.1/a/b"]),
    ) {
        let base = base(base_url);
        if let Ok(url) = base.join(&path) {
            prop_assert_eq!(url.origin(), base.url.origin());
            let prefix = base.url.path().trim_end_matches('/');
            prop_assert!(url.path() == base.url.path() || url.path().starts_with(&format!("{prefix}/")), "{}", url);
            prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
            // What the next parser sees is the same URL.
            prop_assert_eq!(Url::parse(url.as_str()).unwrap(), url);
        }
    }

    #[test]
    fn parsing_a_base_url_never_panics_and_is_stable(text in prop_oneof![r"\PC{0,60}", "https?://[ -~]{0,40}"]) {
        if let Ok(base) = public(&text) {
            prop_assert_eq!(public(base.as_str()).unwrap(), base);
        }
    }

    #[test]
    fn a_followed_redirect_keeps_the_origin(location in prop_oneof![r"\PC{0,40}", "[/\\\\.:@a-z]{0,20}"]) {
        let base = base("https://api.example.com/v1");
        if let Ok(next) = base.follow(&base.join("a").unwrap(), &location) {
            prop_assert_eq!(next.origin(), base.url.origin());
        }
    }
}

#[test]
fn redirects_on_the_same_origin_are_followed() {
    let base = base("https://api.example.com/v1");
    let current = base.join("a/b?x=1").unwrap();
    for (location, next) in [
        ("/v2/c", "https://api.example.com/v2/c"),
        ("c", "https://api.example.com/v1/a/c"),
        ("../c", "https://api.example.com/v1/c"),
        ("?page=2", "https://api.example.com/v1/a/b?page=2"),
        ("https://api.example.com/c#part", "https://api.example.com/c"),
        ("https://API.example.com:443/c", "https://api.example.com/c"),
        ("//api.example.com/c", "https://api.example.com/c"),
    ] {
        assert_eq!(base.follow(&current, location).unwrap().as_str(), next, "{location}");
    }
}

/// Claim B2.
#[test]
fn redirects_to_another_origin_are_refused() {
    let base = base("https://api.example.com/v1");
    let current = base.join("a").unwrap();
    for location in [
        "https://evil.example/",
        "//evil.example/",
        "http://api.example.com/",
        "https://api.example.com:8443/",
        "https://api.example.com.evil.example/",
        "https://evil.api.example.com/",
        "https://api.example.com@evil.example/",
        "https://user:password@api.example.com/",
        "https://169.254.169.254/",
        "\\\\evil.example/",
        "/\\evil.example/",
        "\t//evil.example/",
        "//ev\nil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "//",
    ] {
        assert_eq!(base.follow(&current, location), Err(Error::RedirectNotAllowed), "{location:?}");
    }
}

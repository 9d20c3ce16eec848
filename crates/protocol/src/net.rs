//! Networks that an API key may be used from, in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3).
//!
//! Strict, since a network that is read more widely than it was meant lets strangers in: no bits beyond the prefix, no
//! second spelling of a number. An IPv4 address is the same one whether or not it comes mapped into IPv6
//! (`::ffff:203.0.113.7`); an IPv6 network, `::/0` too, holds no IPv4 address.

use std::fmt;
use std::net::IpAddr;

/// All addresses that begin with the same bits. Displays in its canonical form: `203.0.113.7`, `203.0.113.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// Reads `203.0.113.7`, `203.0.113.0/24` or `2001:db8::/32`; `None` for anything else.
pub fn parse(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let prefix = match prefix {
        Some(prefix) => number(prefix)?,
        None => width(address),
    };
    // A mapped address is 96 bits longer than the IPv4 address in it.
    let first = address.to_canonical();
    let prefix = prefix.checked_sub(width(address) - width(first))?;
    let network = Network { first, prefix };
    (prefix <= width(first) && network.start_of(first) == bits(first)).then_some(network)
}

/// Whether an address is in one of the networks. Fails closed: what is no address is nowhere, and what is no network holds
/// nothing.
pub fn allows(networks: &[String], ip: &str) -> bool {
    let Ok(ip) = ip.parse::<IpAddr>() else { return false };
    networks.iter().filter_map(|network| parse(network)).any(|network| network.contains(ip))
}

impl Network {
    /// Whether an address is one of its own.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        width(ip) == width(self.first) && self.start_of(ip) == bits(self.first)
    }

    /// The address with the bits beyond the prefix cleared, in the low bits.
    fn start_of(&self, ip: IpAddr) -> u128 {
        let host_bits = width(self.first).saturating_sub(self.prefix);
        bits(ip).checked_shr(host_bits).and_then(|bits| bits.checked_shl(host_bits)).unwrap_or(0)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

fn width(ip: IpAddr) -> u32 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_bits().into(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// A decimal number in its one spelling: no sign, no leading zero.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn networks_are_kept_in_one_form() {
        for (text, canonical) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/32", "203.0.113.7"),
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1"),
            ("::/0", "::/0"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ] {
            assert_eq!(parse(text).map(|network| network.to_string()).as_deref(), Some(canonical), "{text}");
        }
    }

    #[test]
    fn n7_what_could_be_read_in_two_ways_is_no_network() {
        for text in [
            "",
            "/",
            "/24",
            "203.0.113.0/",
            "203.0.113.1/24",
            "2001:db8::1/32",
            "203.0.113.0/33",
            "2001:db8::/129",
            "203.0.113.0/024",
            "203.0.113.0/+24",
            "203.0.113.0/-1",
            "203.0.113.0/4294967320",
            "203.0.113.0/24/24",
            "203.0.113.0/255.255.255.0",
            "203.0.113",
            "203.0.113.07",
            "0xcb.0.113.7",
            "3405803783",
            " 203.0.113.7",
            "203.0.113.7 ",
            "[2001:db8::1]",
            "fe80::1%eth0",
            "::ffff:203.0.113.0/24",
            "example.com",
            "*",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn n7_only_an_address_of_a_network_is_allowed() {
        let networks = ["203.0.113.0/24", "198.51.100.7", "2001:db8::/33"].map(str::to_owned);
        for ip in
            ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9", "::ffff:c633:6407", "2001:db8:7fff::1"]
        {
            assert!(allows(&networks, ip), "{ip}");
        }
        for ip in [
            "",
            "203.0.112.255",
            "203.0.114.0",
            "198.51.100.6",
            "2001:db8:8000::",
            "::cb00:7109",
            "203.0.113.0/24",
            "203.0.113.9, 203.0.113.1",
            " 203.0.113.9",
            "unknown",
        ] {
            assert!(!allows(&networks, ip), "{ip}");
        }
        assert!(!allows(&[], "203.0.113.9"));
        assert!(
            !allows(&["203.0.113.1/24".into(), "rubbish".into()], "203.0.113.1"),
            "a spoiled row holds nothing"
        );
        assert!(!allows(&["::/0".into()], "203.0.113.9"), "IPv6 holds no IPv4");
        assert!(!allows(&["0.0.0.0/0".into()], "2001:db8::1"));
    }

    proptest! {
        #[test]
        fn a_network_holds_what_begins_like_it(bits: u32, host: u32, prefix in 0u32..=32) {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            let network = parse(&format!("{}/{prefix}", Ipv4Addr::from(bits & mask))).unwrap();
            prop_assert_eq!(parse(&network.to_string()), Some(network));
            prop_assert!(network.contains(Ipv4Addr::from((bits & mask) | (host & !mask)).into()));
            prop_assert_eq!(network.contains(Ipv4Addr::from(host).into()), host & mask == bits & mask);
        }

        #[test]
        fn so_does_an_ipv6_network(bits: u128, host: u128, prefix in 0u32..=128) {
            // The mapped range is IPv4's.
            prop_assume!((bits >> 32) != 0xffff && (host >> 32) != 0xffff);
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            prop_assume!((bits & mask) >> 32 != 0xffff);
            let network = parse(&format!("{}/{prefix}", Ipv6Addr::from(bits & mask))).unwrap();
            prop_assert_eq!(parse(&network.to_string()), Some(network));
            prop_assert_eq!(network.contains(Ipv6Addr::from(host).into()), host & mask == bits & mask);
        }

        #[test]
        fn nothing_breaks_the_parser(text in "\\PC{0,60}") {
            let _ = parse(&text);
        }
    }
}

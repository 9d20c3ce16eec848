//! Who counts as one client when all that is known is an address.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A client as the limiter sees it: one IPv4 address, or one IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientKey {
    /// An IPv4 address.
    V4(u32),
    /// The upper 64 bits of an IPv6 address.
    V6(u64),
}

/// The key of the client at `ip`.
///
/// A subscriber is handed at least a /64 (RFC 6177, RFC 7934) and can speak from any address in it, so IPv6 counts
/// by /64. An IPv4 client seen through a dual-stack socket (`::ffff:a.b.c.d`) is the same client as over IPv4: as
/// IPv6 all of them would share one /64.
#[must_use]
pub fn client_key(ip: IpAddr) -> ClientKey {
    match ip.to_canonical() {
        IpAddr::V4(v4) => ClientKey::V4(Ipv4Addr::to_bits(v4)),
        IpAddr::V6(v6) => ClientKey::V6((Ipv6Addr::to_bits(v6) >> 64) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(ip: &str) -> ClientKey {
        client_key(ip.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_64_are_one_client_and_the_next_64_is_another() {
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_client_is_the_same_through_a_dual_stack_socket() {
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_ne!(key("::ffff:192.0.2.7"), key("::ffff:192.0.2.8"));
    }

    #[test]
    fn ipv4_and_ipv6_never_share_a_key() {
        // The /64 0:0:c000:207:: has the same number as 192.0.2.7.
        assert_ne!(key("0:0:c000:207::"), key("192.0.2.7"));
    }
}

//! From where a client connects, as far as that can be trusted.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;

/// The client's address, for counting: an IPv6 address stands for its /64 network, which is what one customer gets.
///
/// Without trusted proxies it is the peer of the TCP connection, where the host serves with
/// `into_make_service_with_connect_info::<SocketAddr>()`. Behind `trusted_proxies` proxies the peer is the last of
/// them, and each has added the address of *its* peer at the end of `X-Forwarded-For`: the client is that many entries
/// from the right. What stands further left is the client's own word, and is not looked at.
///
/// `None` where that entry is missing or not an address: then the setting does not fit the proxies, and counting
/// everyone under one address would lock people out.
pub(crate) fn client_address(parts: &Parts, trusted_proxies: u8) -> Option<IpAddr> {
    let address = match trusted_proxies.checked_sub(1) {
        None => parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip(),
        Some(skipped) => forwarded(parts)
            .nth(usize::from(skipped))
            .and_then(read_entry)?,
    };
    Some(network(address))
}

/// The entries of all `X-Forwarded-For` lines, from the right. As bytes: one odd byte on the client's side of a line
/// must not hide what the proxies wrote.
fn forwarded(parts: &Parts) -> impl Iterator<Item = &[u8]> {
    let lines: Vec<_> = parts.headers.get_all("x-forwarded-for").iter().collect();
    lines
        .into_iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
}

/// An address, as most proxies write it, or with a port, as some do.
fn read_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|peer| peer.ip()))
}

fn network(address: IpAddr) -> IpAddr {
    // An IPv4 client of a dual-stack listener comes as ::ffff:a.b.c.d, and all of those share one /64.
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    fn address(peer: Option<&str>, lines: &[&[u8]], proxies: u8) -> Option<String> {
        let mut request = Request::new(());
        for line in lines {
            let value = HeaderValue::from_bytes(line).unwrap();
            request.headers_mut().append("X-Forwarded-For", value);
        }
        let (mut parts, ()) = request.into_parts();
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().unwrap();
            parts.extensions.insert(ConnectInfo(peer));
        }
        client_address(&parts, proxies).map(|address| address.to_string())
    }

    fn forwarded_for(line: &str, proxies: u8) -> Option<String> {
        address(Some("10.0.0.1:9"), &[line.as_bytes()], proxies)
    }

    #[test]
    fn without_proxies_the_peer_counts_and_the_header_is_a_forgery() {
        let peer = Some("192.0.2.7:5000");
        assert_eq!(address(peer, &[], 0).unwrap(), "192.0.2.7");
        assert_eq!(address(peer, &[b"203.0.113.9"], 0).unwrap(), "192.0.2.7");
        assert_eq!(address(None, &[b"203.0.113.9"], 0), None);
    }

    #[test]
    fn behind_one_proxy_what_the_client_put_in_front_changes_nothing() {
        for line in [
            "203.0.113.9",
            "1.1.1.1, 203.0.113.9",
            "1.1.1.1,2.2.2.2 ,\t203.0.113.9 ",
            ",,, 203.0.113.9",
            "unknown, <script>, 203.0.113.9",
        ] {
            assert_eq!(forwarded_for(line, 1).unwrap(), "203.0.113.9", "{line}");
        }
    }

    #[test]
    fn behind_two_proxies_the_second_entry_from_the_right_counts() {
        assert_eq!(
            forwarded_for("6.6.6.6, 203.0.113.9, 10.0.0.2", 2).unwrap(),
            "203.0.113.9"
        );
    }

    #[test]
    fn several_header_lines_are_one_list() {
        let peer = Some("10.0.0.1:9");
        let lines: [&[u8]; 2] = [b"6.6.6.6", b"203.0.113.9"];
        assert_eq!(address(peer, &lines, 1).unwrap(), "203.0.113.9");
        let lines: [&[u8]; 3] = [b"6.6.6.6", b"7.7.7.7, 203.0.113.9", b"10.0.0.2"];
        assert_eq!(address(peer, &lines, 2).unwrap(), "203.0.113.9");
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_the_client() {
        let lines: [&[u8]; 1] = [b"\xff\xfe, 203.0.113.9"];
        assert_eq!(address(None, &lines, 1).unwrap(), "203.0.113.9");
    }

    #[test]
    fn where_the_entry_is_missing_or_no_address_nobody_is_counted() {
        let peer = Some("10.0.0.1:9");
        assert_eq!(address(peer, &[], 1), None);
        assert_eq!(forwarded_for("203.0.113.9", 2), None);
        assert_eq!(forwarded_for("203.0.113.9, unknown", 1), None);
        assert_eq!(forwarded_for("", 1), None);
        assert_eq!(forwarded_for("203.0.113.9", u8::MAX), None);
    }

    #[test]
    fn a_port_is_not_part_of_an_address() {
        assert_eq!(forwarded_for("203.0.113.9:4711", 1).unwrap(), "203.0.113.9");
        assert_eq!(
            forwarded_for("[2001:db8:1:2::9]:4711", 1).unwrap(),
            "2001:db8:1:2::"
        );
        assert_eq!(
            forwarded_for("[2001:db8:1:2::9]", 1).unwrap(),
            "2001:db8:1:2::"
        );
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one_and_mapped_ipv4_addresses_do_not() {
        let of = |peer| address(Some(peer), &[], 0).unwrap();
        assert_eq!(of("[2001:db8:1:2::1]:1"), of("[2001:db8:1:2:ffff::9]:2"));
        assert_ne!(of("[2001:db8:1:2::1]:1"), of("[2001:db8:1:3::1]:1"));
        assert_eq!(of("[::ffff:192.0.2.7]:1"), "192.0.2.7");
        assert_ne!(of("[::ffff:192.0.2.7]:1"), of("[::ffff:192.0.2.8]:1"));
    }
}

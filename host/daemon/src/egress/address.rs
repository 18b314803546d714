//! Which addresses a connection may reach. Pure: decides by the number alone, with every form that carries a v4
//! address inside a v6 one unpacked first, so that no spelling opens what another closes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressClass {
    /// Anyone's; always allowed.
    Public,
    /// Of this machine or its network: only for a host the operator named.
    Private,
    /// Never of a tool: link-local (and with it cloud metadata), multicast, reserved, unspecified.
    Forbidden,
}

/// Says what `address` is.
pub(crate) fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| classify_v6(v6), classify_v4),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        // Metadata of Alibaba; 0.0.0.0/8, multicast, reserved, broadcast; link-local and with it most metadata.
        [100, 100, 100, 200]
        | [0 | 224..=255, ..]
        | [169, 254, ..]
        // Protocol assignments with the metadata of Oracle, documentation, 6to4 relays, benchmarking.
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..] => AddressClass::Forbidden,
        [10 | 127, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => AddressClass::Private,
        _ => AddressClass::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    // Metadata of AWS over v6, within the unique local range.
    const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254);
    if address == Ipv6Addr::LOCALHOST {
        return AddressClass::Private;
    }
    if address == AWS_METADATA {
        return AddressClass::Forbidden;
    }
    match address.segments() {
        [0xfc00..=0xfdff, ..] => AddressClass::Private,
        // Teredo and the other protocol assignments, documentation.
        [0x2001, 0x0000..=0x01ff | 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => AddressClass::Forbidden,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Forbidden,
    }
}

/// The v4 address inside v4-mapped, v4-compatible, translated (`64:ff9b::/96`) and 6to4 forms.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => join(high, low),
        [0, 0, 0, 0, 0 | 0xffff, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => join(high, low),
        _ => None,
    }
}

/// Whether a host name can only be meant for the operator's own network: no dot, or a name that no public
/// registry hands out.
pub(crate) fn is_private_name(host: &str) -> bool {
    const SUFFIXES: [&str; 10] =
        ["localhost", "local", "internal", "intranet", "lan", "corp", "home", "private", "test", "home.arpa"];
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    !host.contains('.')
        || SUFFIXES.iter().any(|suffix| host.strip_suffix(suffix).is_some_and(|head| head.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(addresses: &str, expect: Expect) {
        let line = |text: &str| format!("{text} {:?}\n", classify(text.parse().unwrap()));
        expect.assert_eq(&addresses.split_whitespace().map(line).collect::<String>());
    }

    #[test]
    fn v4() {
        check(
            "8.8.8.8 1.1.1.1 172.15.255.255 172.16.0.0 172.31.255.255 172.32.0.0 10.0.0.1 127.0.0.1 127.9.9.9
             192.168.1.1 100.63.255.255 100.64.0.0 100.127.255.255 100.128.0.0 169.254.169.254 0.0.0.0 224.0.0.1
             255.255.255.255 240.0.0.1 198.18.0.1 192.0.2.1 100.100.100.200",
            expect![[r"
                8.8.8.8 Public
                1.1.1.1 Public
                172.15.255.255 Public
                172.16.0.0 Private
                172.31.255.255 Private
                172.32.0.0 Public
                10.0.0.1 Private
                127.0.0.1 Private
                127.9.9.9 Private
                192.168.1.1 Private
                100.63.255.255 Public
                100.64.0.0 Private
                100.127.255.255 Private
                100.128.0.0 Public
                169.254.169.254 Forbidden
                0.0.0.0 Forbidden
                224.0.0.1 Forbidden
                255.255.255.255 Forbidden
                240.0.0.1 Forbidden
                198.18.0.1 Forbidden
                192.0.2.1 Forbidden
                100.100.100.200 Forbidden
            "]],
        );
    }

    #[test]
    fn v6_and_v4_inside_v6() {
        check(
            "2606:4700::1111 ::1 :: fe80::1 fc00::1 fd12::1 ff02::1 fec0::1 2001:db8::1 fd00:ec2::254
             ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::808:808
             2002:7f00:1:: 2002:a9fe:a9fe:: 2001:0:1::1 ::ffff:0:10.0.0.1",
            expect![[r"
                2606:4700::1111 Public
                ::1 Private
                :: Forbidden
                fe80::1 Forbidden
                fc00::1 Private
                fd12::1 Private
                ff02::1 Forbidden
                fec0::1 Forbidden
                2001:db8::1 Forbidden
                fd00:ec2::254 Forbidden
                ::ffff:127.0.0.1 Private
                ::ffff:169.254.169.254 Forbidden
                ::ffff:8.8.8.8 Public
                ::10.0.0.1 Private
                64:ff9b::a9fe:a9fe Forbidden
                64:ff9b::808:808 Public
                2002:7f00:1:: Private
                2002:a9fe:a9fe:: Forbidden
                2001:0:1::1 Forbidden
                ::ffff:0:10.0.0.1 Private
            "]],
        );
    }

    #[test]
    fn names_of_the_own_network() {
        let private = ["jira", "localhost", "Jira.Corp", "a.b.internal", "nas.local.", "x.home.arpa"];
        assert!(private.iter().all(|name| is_private_name(name)));
        let public = ["api.github.com", "notlocal.dev", "internal.example.com", "evillocal.com"];
        assert!(!public.iter().any(|name| is_private_name(name)));
    }
}

//! Which addresses are public: everything that the special-purpose registries do not set aside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks that are never public.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),  // this network, unspecified: RFC 791, RFC 1122
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private: RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10), // shared by carriers: RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback: RFC 1122
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud platform's own services, on a public number
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, metadata services: RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private: RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments: RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays: RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private: RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarking: RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast: RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved, broadcast: RFC 1112, RFC 919
];

/// The only IPv6 block that holds public unicast addresses (RFC 4291). What lies outside it needs
/// no row below: unspecified, loopback, IPv4-compatible, unique local, link-local, site-local,
/// multicast, and the translation prefixes but the one that [`embedded`] reads.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks within [`GLOBAL_V6`] that are not public.
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo: RFC 2928, RFC 4380
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation: RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: RFC 3056, RFC 7526
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16), // 6bone, returned: RFC 3701
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation: RFC 9637
];

/// Where clouds hand out credentials to whoever asks.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether an address is a public unicast address, and, where it carries an IPv4 address, that one is too.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(Embedded::Whole(v4)) => is_public_v4(v4),
            Some(Embedded::Part(v4)) => is_public_v4(v4) && is_public_v6(v6),
            None => is_public_v6(v6),
        },
    }
}

/// Whether an address is that of a metadata service, plain or embedded.
pub(crate) fn is_metadata(address: IpAddr) -> bool {
    let carried = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => any_embedded(v6),
    };
    METADATA.contains(&address) || carried.is_some_and(|v4| METADATA.contains(&IpAddr::V4(v4)))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|block| within_v4(address, *block))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    within_v6(address, GLOBAL_V6) && !SPECIAL_V6.iter().any(|block| within_v6(address, *block))
}

fn within_v4(address: Ipv4Addr, (network, prefix): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= prefix
}

fn within_v6(address: Ipv6Addr, (network, prefix): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= prefix
}

/// An IPv4 address that an IPv6 address carries.
enum Embedded {
    /// The packet reaches that IPv4 address, whatever else the IPv6 address says.
    Whole(Ipv4Addr),
    /// The packet travels by the IPv6 prefix, and a router in it may unwrap that IPv4 address.
    Part(Ipv4Addr),
}

/// The IPv4 address within an IPv6 address of a form that may lead to the public internet.
fn embedded(address: Ipv6Addr) -> Option<Embedded> {
    const MAPPED: (Ipv6Addr, u32) = (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96); // RFC 4291
    const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96); // RFC 6052
    let [.., hi, lo] = address.segments();
    let last = ipv4(hi, lo);
    if within_v6(address, MAPPED) || within_v6(address, NAT64) {
        Some(Embedded::Whole(last))
    } else if is_isatap(address) {
        Some(Embedded::Part(last))
    } else {
        None
    }
}

/// The IPv4 address within an IPv6 address of any known form, public or not.
fn any_embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x2002, hi, lo, ..] => Some(ipv4(hi, lo)),      // 6to4
        [0x2001, 0, .., hi, lo] => Some(ipv4(!hi, !lo)), // Teredo hides it by inversion
        [0, 0, 0, 0, 0 | 0xffff, 0 | 0xffff, hi, lo] => Some(ipv4(hi, lo)), // compatible, mapped, translated
        [0x64, 0xff9b, .., hi, lo] => Some(ipv4(hi, lo)), // NAT64
        [.., hi, lo] if is_isatap(address) => Some(ipv4(hi, lo)),
        _ => None,
    }
}

/// Whether the interface identifier is `[02]00:5efe:a.b.c.d` (RFC 5214).
fn is_isatap(address: Ipv6Addr) -> bool {
    let [_, _, _, _, scope, kind, _, _] = address.segments();
    kind == 0x5efe && scope & !0x0200 == 0
}

fn ipv4(hi: u16, lo: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(hi) << 16 | u32::from(lo))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.0.0.1",
            "128.0.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2600::5efe:808:808",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn special_addresses_are_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "::ffff:0:8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "2600::5efe:7f00:1",
            "2600::200:5efe:a9fe:a9fe",
            "3ffe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff:ffff::1",
            "fe80::1",
            "fe80::5efe:808:808",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn metadata_services_are_known_in_every_form() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001::5601:5601",
            "fe80::5efe:a9fe:a9fe",
        ] {
            assert!(is_metadata(text.parse().unwrap()), "{text}");
        }
        for text in ["127.0.0.1", "10.0.0.1", "8.8.8.8", "::1", "fd00::1"] {
            assert!(!is_metadata(text.parse().unwrap()), "{text}");
        }
    }

    /// An IPv4 address out of any of the special blocks.
    fn special_v4() -> impl Strategy<Value = Ipv4Addr> {
        (proptest::sample::select(SPECIAL_V4), any::<u32>()).prop_map(|((network, prefix), host)| {
            let mask = u32::MAX.checked_shr(prefix).unwrap_or(0);
            Ipv4Addr::from_bits(network.to_bits() | (host & mask))
        })
    }

    proptest! {
        #[test]
        fn no_embedding_makes_a_special_address_public(
            v4 in special_v4(), prefix in any::<u64>(), noise in any::<u64>(),
        ) {
            let bits = u128::from(v4.to_bits());
            let noise = u128::from(noise);
            let embeddings = [
                bits,                                                            // IPv4-compatible
                0xffff << 32 | bits,                                             // IPv4-mapped
                0xffff << 48 | bits,                                             // IPv4-translated
                0x0064_ff9b << 96 | bits,                                        // NAT64
                0x0064_ff9b_0001 << 80 | noise << 32 & ((1 << 80) - 1) | bits,   // NAT64, local use
                0x2002 << 112 | bits << 80 | noise,                              // 6to4
                0x2001 << 112 | noise << 32 & ((1 << 96) - 1) | (bits ^ 0xffff_ffff), // Teredo, client
                0x2001 << 112 | bits << 64 | noise,                              // Teredo, server
                u128::from(prefix) << 64 | 0x5efe << 32 | bits,                  // ISATAP
                u128::from(prefix) << 64 | 0x0200_5efe << 32 | bits,             // ISATAP, global
            ];
            prop_assert!(!is_public(IpAddr::V4(v4)));
            for embedding in embeddings {
                let v6 = Ipv6Addr::from_bits(embedding);
                prop_assert!(!is_public(IpAddr::V6(v6)), "{v6} carries {v4}");
            }
        }

        #[test]
        fn outside_global_unicast_only_translations_are_public(bits in any::<u128>()) {
            let v6 = Ipv6Addr::from_bits(bits);
            if is_public(IpAddr::V6(v6)) {
                prop_assert!(bits >> 125 == 1 || matches!(embedded(v6), Some(Embedded::Whole(_))));
            }
        }
    }
}

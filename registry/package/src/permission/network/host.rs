//! Hosts of a URL pattern: one domain, the subdomains of one, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is wrong with a host, and what to write instead.
pub(super) type Refusal = (&'static str, &'static str);

const MAX_DOMAIN_LEN: usize = 253;
const MAX_DOMAIN_LABEL_LEN: usize = 63;
const CANONICAL: &str = "write an IPv4 address as four decimal numbers, 192.0.2.1, and an IPv6 address in its \
                         short lower-case form, [2001:db8::1]";

/// A domain name in its canonical form: lower-case, ASCII (punycode), without a trailing dot (RFC 1123).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

impl Domain {
    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host lies below this domain. The domain itself does not.
    fn is_above(&self, host: &str) -> bool {
        let below = host.strip_suffix(&self.0).and_then(|rest| rest.strip_suffix('.'));
        below.is_some_and(|below| !below.split('.').any(str::is_empty))
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        const HINT: &str = "write the host's name, such as api.example.com, in ASCII";
        if text.is_empty() {
            return Err(("the host is empty", HINT));
        }
        if text.len() > MAX_DOMAIN_LEN {
            return Err(("the host is longer than 253 characters", HINT));
        }
        if !text.split('.').all(is_domain_label) {
            return Err(("the host is not a domain name", HINT));
        }
        // What the URL parser would spell differently could never match, or match another host.
        match url::Host::parse(text) {
            Ok(url::Host::Domain(canonical)) if canonical == text => Ok(Self(canonical)),
            _ => Err(("the host is not a canonical domain name", HINT)),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_domain_label(label: &str) -> bool {
    (1..=MAX_DOMAIN_LABEL_LEN).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Which hosts a URL pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// One domain name.
    Exact(Domain),
    /// Every name below a domain, written `*.example.com`; neither the domain itself nor an address.
    Suffix(Domain),
    /// One address.
    Address(IpAddr),
}

impl HostPattern {
    /// Reads a host as it stands in a URL: lower-case, an IPv6 address in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let inner = bracketed.strip_suffix(']').ok_or(("the host has a bracket too few", CANONICAL))?;
            return parse_ipv6(inner);
        }
        if text.contains('%') {
            return Err(("the host is percent-encoded", "write the host in plain ASCII"));
        }
        if let Some(domain) = text.strip_prefix("*.") {
            return parse_suffix(domain);
        }
        if text.contains('*') {
            return Err((
                "a * stands where it has no meaning",
                "write *.example.com for every subdomain of example.com",
            ));
        }
        if ends_in_number(text) {
            let address: Ipv4Addr =
                text.parse().map_err(|_| ("the address is not in its canonical form", CANONICAL))?;
            return Ok(Self::Address(address.into()));
        }
        Domain::parse(text).map(Self::Exact)
    }

    /// Whether a host of a URL is one of these.
    pub(super) fn allows(&self, host: &url::Host<&str>) -> bool {
        match (self, host) {
            (Self::Exact(domain), url::Host::Domain(host)) => domain.as_str() == *host,
            (Self::Suffix(domain), url::Host::Domain(host)) => domain.is_above(host),
            (Self::Address(IpAddr::V4(address)), url::Host::Ipv4(host)) => address == host,
            (Self::Address(IpAddr::V6(address)), url::Host::Ipv6(host)) => address == host,
            _ => false,
        }
    }

    /// Whether every host of `other` is one of these.
    pub fn covers(&self, other: &HostPattern) -> bool {
        match (self, other) {
            (Self::Suffix(outer), Self::Exact(inner)) => outer.is_above(inner.as_str()),
            (Self::Suffix(outer), Self::Suffix(inner)) => outer == inner || outer.is_above(inner.as_str()),
            _ => self == other,
        }
    }

    /// Whether the host is an address or a name that is never public. The word on other names is the resolver's.
    pub(super) fn is_plainly_internal(&self) -> bool {
        match self {
            Self::Exact(domain) | Self::Suffix(domain) => {
                domain.as_str() == "localhost" || domain.as_str().ends_with(".localhost")
            }
            Self::Address(IpAddr::V4(a)) => {
                a.is_loopback() || a.is_private() || a.is_link_local() || a.is_unspecified()
            }
            Self::Address(IpAddr::V6(a)) => {
                a.is_loopback() || a.is_unique_local() || a.is_unicast_link_local() || a.is_unspecified()
            }
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(domain) => domain.fmt(f),
            Self::Suffix(domain) => write!(f, "*.{domain}"),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn parse_suffix(domain: &str) -> Result<HostPattern, Refusal> {
    const HINT: &str = "write *.example.com for every subdomain of example.com";
    if domain.contains('*') {
        return Err(("a * stands where it has no meaning", HINT));
    }
    if ends_in_number(domain) || domain.starts_with('[') {
        return Err(("a * cannot stand before an address", "name each address in an entry of its own"));
    }
    if !domain.contains('.') {
        return Err(("a * cannot stand before a top-level domain", HINT));
    }
    Domain::parse(domain).map(HostPattern::Suffix)
}

fn parse_ipv6(text: &str) -> Result<HostPattern, Refusal> {
    let address: Ipv6Addr = text.parse().map_err(|_| ("the host is not an IPv6 address", CANONICAL))?;
    if address.to_ipv4_mapped().is_some() {
        return Err(("an IPv4 address is embedded in an IPv6 address", "write the IPv4 address itself"));
    }
    if address.to_string() != text {
        return Err(("the address is not in its canonical form", CANONICAL));
    }
    Ok(HostPattern::Address(address.into()))
}

/// Whether a URL parser would take the host for an IPv4 address in one of its many spellings (WHATWG URL,
/// "ends in a number").
fn ends_in_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    let digits = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    digits || hex
}

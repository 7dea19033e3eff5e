//! The names that the gateway answers to, and the web pages that may ask it: `Host` and `Origin`, each on its own.
//!
//! A page of a stranger can make a browser connect to loopback, under the stranger's own name where its DNS says so.
//! The name in `Host` is then the stranger's, and so is the `Origin`: either is enough to refuse it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// Names under which every machine reaches itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// A name to be answered to: `claw.example.com`, or with a port of its own, as behind a proxy: `claw.example.com:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// In lower case; an IPv6 address in brackets.
    name: String,
    port: Option<u16>,
}

/// A web page's origin: `https://chat.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    scheme: String,
    host: HostName,
}

/// A text that is no name, or no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no name.
    #[error("{0:?} is no host name: write claw.example.com, or claw.example.com:8443")]
    Host(String),
    /// It is no origin.
    #[error("{0:?} is no origin: write https://chat.example.com, without a path")]
    Origin(String),
}

/// Whom the gateway answers.
#[derive(Clone, Debug)]
pub struct Names {
    port: u16,
    scheme: &'static str,
    hosts: Vec<HostName>,
    origins: Vec<WebOrigin>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It has no `Host`, several, one that is no name, or another one than its target.
    Malformed,
    /// It is for somebody else.
    Host,
    /// A page of somebody else sends it.
    Origin,
}

impl Names {
    /// The loopback names and the address itself with its port, and what was configured.
    #[must_use]
    pub fn new(listen: SocketAddr, is_tls: bool, hosts: &[HostName], origins: &[WebOrigin]) -> Self {
        let own = (!listen.ip().is_unspecified()).then(|| literal(listen.ip()));
        let own =
            LOOPBACK.into_iter().map(str::to_owned).chain(own).map(|name| HostName { name, port: None });
        Self {
            port: listen.port(),
            scheme: if is_tls { "https" } else { "http" },
            hosts: own.chain(hosts.iter().cloned()).collect(),
            origins: origins.to_vec(),
        }
    }

    /// Whether a request is for this gateway, and not sent by a page of somebody else.
    pub(crate) fn check(&self, target: &Uri, headers: &HeaderMap) -> Result<(), Foreign> {
        let host = self.host_of(target, headers)?;
        if !self.hosts.iter().any(|known| self.is_served(known, &host)) {
            return Err(Foreign::Host);
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) => {
                let origin = origin.to_str().ok().and_then(|text| text.parse::<WebOrigin>().ok());
                let allowed = origin.is_some_and(|origin| self.is_allowed(&origin));
                if allowed { Ok(()) } else { Err(Foreign::Origin) }
            }
            (Some(_), Some(_)) => Err(Foreign::Origin),
        }
    }

    /// The one name that a request is for. A target in absolute form has to say the same as the header.
    fn host_of(&self, target: &Uri, headers: &HeaderMap) -> Result<HostName, Foreign> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Foreign::Malformed) };
        let host: HostName =
            host.to_str().ok().and_then(|text| text.parse().ok()).ok_or(Foreign::Malformed)?;
        if let Some(authority) = target.authority() {
            let named: HostName = authority.as_str().parse().map_err(|_| Foreign::Malformed)?;
            let is_ours = target.scheme_str() == Some(self.scheme);
            if !is_ours || named != host {
                return Err(Foreign::Malformed);
            }
        }
        Ok(host)
    }

    /// A name without a port goes for this gateway's port; one with a port, for exactly that.
    fn is_served(&self, known: &HostName, host: &HostName) -> bool {
        let port = host.port.unwrap_or(default_port(self.scheme));
        let fits = match known.port {
            Some(own) => port == own,
            None if self.is_loopback(known) => port == self.port,
            None => port == self.port || host.port.is_none(),
        };
        fits && known.name == host.name
    }

    fn is_loopback(&self, known: &HostName) -> bool {
        LOOPBACK.contains(&known.name.as_str())
    }

    fn is_allowed(&self, origin: &WebOrigin) -> bool {
        let own = origin.scheme == self.scheme
            && self.hosts.iter().any(|known| self.is_served(known, &origin.host));
        own || self.origins.iter().any(|known| known.same(origin))
    }
}

fn literal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

impl FromStr for HostName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Host(text.to_owned());
        let authority: Authority = text.parse().map_err(|_| wrong())?;
        // Whoever writes a user, a dot at the end or an empty port means something that others read otherwise.
        let (name, port) = (authority.host(), authority.port());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).is_some_and(|name| {
            name.parse::<std::net::Ipv6Addr>()
                .is_ok_and(|address| address.to_string() == name.to_ascii_lowercase())
        });
        let is_name =
            name.bytes().all(plain) && !name.starts_with('.') && !name.ends_with('.') && !name.is_empty();
        let length = name.len() + port.as_ref().map_or(0, |port| port.as_str().len() + 1);
        if !(is_address || is_name) || length != text.len() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_ascii_lowercase(), port: port.map(|port| port.as_u16()) })
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl WebOrigin {
    fn same(&self, other: &Self) -> bool {
        let port = |origin: &Self| origin.host.port.unwrap_or(default_port(&origin.scheme));
        self.scheme == other.scheme && self.host.name == other.host.name && port(self) == port(other)
    }
}

impl FromStr for WebOrigin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Origin(text.to_owned());
        let (scheme, host) = text.split_once("://").ok_or_else(wrong)?;
        if !matches!(scheme, "http" | "https") {
            return Err(wrong());
        }
        Ok(Self { scheme: scheme.to_owned(), host: host.parse().map_err(|_| wrong())? })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn names() -> Names {
        let hosts = ["claw.example.com".parse().unwrap(), "proxy.example.com:8443".parse().unwrap()];
        let origins = ["https://chat.example.com".parse().unwrap()];
        Names::new("127.0.0.1:7456".parse().unwrap(), false, &hosts, &origins)
    }

    fn check(target: &str, hosts: &[&str], origins: &[&str]) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        hosts.iter().for_each(|host| {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        });
        origins.iter().for_each(|origin| {
            headers.append(ORIGIN, HeaderValue::from_str(origin).unwrap());
        });
        names().check(&target.parse().unwrap(), &headers)
    }

    #[test]
    fn own_names_are_answered_to_with_their_port() {
        for host in [
            "localhost:7456",
            "LOCALHOST:7456",
            "127.0.0.1:7456",
            "[::1]:7456",
            "claw.example.com",
            "claw.example.com:7456",
            "proxy.example.com:8443",
        ] {
            assert_eq!(check("/", &[host], &[]), Ok(()), "{host}");
        }
    }

    #[test]
    fn what_a_rebound_name_sends_is_for_somebody_else() {
        for host in [
            "evil.example",
            "evil.example:7456",
            "localhost",
            "localhost:80",
            "127.0.0.1:8080",
            "127.0.0.1.evil.example:7456",
            "localhost.evil.example:7456",
            "127.0.0.2:7456",
            "127.1:7456",
            "2130706433:7456",
            "0x7f000001:7456",
            "proxy.example.com",
            "proxy.example.com:7456",
            "claw.example.com:8443",
        ] {
            assert_eq!(check("/", &[host], &[]), Err(Foreign::Host), "{host}");
        }
    }

    #[test]
    fn what_is_no_single_name_is_malformed() {
        let wrong: [&[&str]; 9] = [
            &[],
            &[""],
            &["localhost:7456", "localhost:7456"],
            &["localhost:7456", "evil.example"],
            &["user@localhost:7456"],
            &["localhost.:7456"],
            &["localhost:"],
            &["localhost:7456/path"],
            &["[0:0:0:0:0:0:0:1]:7456"],
        ];
        for hosts in wrong {
            assert_eq!(check("/", hosts, &[]), Err(Foreign::Malformed), "{hosts:?}");
        }
    }

    #[test]
    fn a_target_in_absolute_form_names_the_same_host() {
        let host = &["localhost:7456"][..];
        assert_eq!(check("http://localhost:7456/health", host, &[]), Ok(()));
        for target in [
            "http://evil.example/health",
            "http://127.0.0.1:7456/",
            "https://localhost:7456/",
            "http://localhost/",
        ] {
            assert_eq!(check(target, host, &[]), Err(Foreign::Malformed), "{target}");
        }
        assert_eq!(check("http://evil.example/", &["evil.example"], &[]), Err(Foreign::Host));
    }

    #[test]
    fn only_own_pages_and_those_that_were_allowed_may_ask() {
        let host = &["localhost:7456"][..];
        for origin in [
            "http://localhost:7456",
            "http://127.0.0.1:7456",
            "https://chat.example.com",
            "https://chat.example.com:443",
        ] {
            assert_eq!(check("/", host, &[origin]), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://localhost:3000",
            "http://localhost",
            "https://localhost:7456",
            "http://chat.example.com",
            "https://chat.example.com.evil.example",
            "https://chat.example.com/",
            "https://a.chat.example.com",
            "file://",
            "chrome-extension://abc",
        ] {
            assert_eq!(check("/", host, &[origin]), Err(Foreign::Origin), "{origin}");
        }
        let two = ["http://localhost:7456", "http://localhost:7456"];
        assert_eq!(check("/", host, &two), Err(Foreign::Origin));
    }
}

//! What a skill may request of the network, and the destination that a permit stands for.

use std::io;
use std::net::{IpAddr, SocketAddr};

use http::Method;
use openclaw_package::permission::{self, MethodSet, NetworkRequest};
use url::{Host, Position, Url};

use super::address::{is_metadata, is_public};
use super::resolve::Resolve;
use super::rule::{self, MethodRule, NetworkRule};
use crate::capability::secret::SecretGrants;
use crate::capability::{Capability, Denial, Reason, decide};

/// What the manifest requests and what the owner's rules say of it; without rules nothing is granted.
#[derive(Clone, Debug)]
pub(crate) struct NetworkGrants {
    skill: String,
    requests: Vec<NetworkRequest>,
    allow: Vec<NetworkRule>,
    deny: Vec<NetworkRule>,
    secrets: SecretGrants,
}

impl NetworkGrants {
    /// The grants of the skill of that name, which hints repeat.
    pub(crate) fn new(
        skill: impl Into<String>,
        requests: Vec<NetworkRequest>,
        allow: Vec<NetworkRule>,
        deny: Vec<NetworkRule>,
    ) -> Self {
        Self { skill: skill.into(), requests, allow, deny, secrets: SecretGrants::default() }
    }

    /// With the secrets that requests carry.
    pub(crate) fn with_secrets(self, secrets: SecretGrants) -> Self {
        Self { secrets, ..self }
    }

    /// The secrets that requests carry.
    pub(crate) fn secrets(&self) -> &SecretGrants {
        &self.secrets
    }

    /// Decides on a request by its method and URL.
    ///
    /// `network:internal` includes `network:external`: who may reach a host wherever it is may
    /// reach it where it is public. A deny rule for `network:internal` takes away only the former.
    pub(crate) fn permit(&self, method: &Method, url: &Url) -> Result<Permitted, Denial> {
        let scope = self.scope(method, url);
        let target = target(method, url);
        if !is_sendable(method, url) {
            return Err(Denial::new(scope.capability(), &target, Reason::ForbiddenRequest));
        }
        let internal = self.decide(&scope, Capability::NetworkInternal);
        let external = self.decide(&scope, Capability::NetworkExternal);
        match (internal, external) {
            (Ok(()), _) => {
                Ok(Permitted { method: method.clone(), url: url.clone(), target, internal: Ok(()) })
            }
            (Err(reason), Ok(())) => {
                let hint = self.hint(&scope, Capability::NetworkInternal, reason);
                Ok(Permitted { method: method.clone(), url: url.clone(), target, internal: Err(hint) })
            }
            (Err(_), Err(reason)) => {
                let mut denial = Denial::new(scope.capability(), &target, reason);
                denial.hint = self.hint(&scope, scope.capability(), reason);
                Err(denial)
            }
        }
    }

    /// What of the manifest covers a request.
    fn scope<'a>(&'a self, method: &'a Method, url: &'a Url) -> Scope<'a> {
        let covering = self.requests.iter().filter(|request| rule::requests(request, method, url));
        Scope { method, url, requests: covering.collect() }
    }

    fn decide(&self, scope: &Scope<'_>, capability: Capability) -> Result<(), Reason> {
        let internal = capability == Capability::NetworkInternal;
        decide(
            scope.requests.iter().any(|request| request.internal || !internal),
            self.deny.iter().any(|rule| (internal || !rule.internal) && rule.denies(scope.method, scope.url)),
            self.allow
                .iter()
                .any(|rule| (rule.internal || !internal) && rule.allows(scope.method, scope.url)),
        )
    }

    /// The command that would grant what was denied for `reason`.
    fn hint(&self, scope: &Scope<'_>, capability: Capability, reason: Reason) -> Option<String> {
        if reason != Reason::NotGranted {
            return None;
        }
        let internal = capability == Capability::NetworkInternal;
        let narrowest = scope.narrowest(internal)?;
        let methods = MethodSet::new([scope.method.as_str().parse().ok()?]).ok()?;
        let rule = NetworkRule { methods: MethodRule::Only(methods), url: narrowest.url.clone(), internal };
        Some(rule.command(&self.skill))
    }

    /// The rules that would grant what the manifest requests and the owner has said nothing of.
    /// Each with the reason that the manifest gives.
    pub(crate) fn missing(&self) -> Vec<(NetworkRule, &permission::Reason)> {
        let mut missing = Vec::new();
        for entry in &self.requests {
            let open = entry.methods.iter().filter(|method| self.is_unanswered(entry, *method));
            let Ok(methods) = MethodSet::new(open) else { continue };
            let methods = MethodRule::Only(methods);
            let rule = NetworkRule { methods, url: entry.url.clone(), internal: entry.internal };
            missing.push((rule, &entry.reason));
        }
        missing
    }

    fn is_unanswered(&self, entry: &NetworkRequest, method: permission::Method) -> bool {
        let answers = |rule: &NetworkRule| rule.covers(entry, method);
        let allowed = self.allow.iter().any(|rule| (rule.internal || !entry.internal) && answers(rule));
        let denied = self.deny.iter().any(|rule| (entry.internal || !rule.internal) && answers(rule));
        !allowed && !denied
    }
}

/// What stands in the first line of a request to a URL.
pub(super) fn path_and_query(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

/// A request, and the entries of the manifest that cover it.
struct Scope<'a> {
    method: &'a Method,
    url: &'a Url,
    requests: Vec<&'a NetworkRequest>,
}

impl<'a> Scope<'a> {
    /// The covering entry that covers the least else.
    fn narrowest(&self, internal: bool) -> Option<&'a NetworkRequest> {
        let candidates = self.requests.iter().copied().filter(|request| request.internal || !internal);
        candidates.reduce(|best, next| if best.url.covers(&next.url) { next } else { best })
    }

    /// The permission that the request needs, as far as that is known before its host is resolved.
    fn capability(&self) -> Capability {
        let internal = match literal(self.url) {
            Some(address) => !is_public(address),
            None => self.narrowest(false).is_some_and(|request| request.internal),
        };
        if internal { Capability::NetworkInternal } else { Capability::NetworkExternal }
    }
}

/// A request that is permitted: what it says is what must be sent, and where it resolves to is
/// where it must go.
#[derive(Debug)]
pub(crate) struct Permitted {
    method: Method,
    url: Url,
    target: String,
    /// Whether internal addresses are permitted; if not, the command that would permit them.
    internal: Result<(), Option<String>>,
}

/// An address that a permitted request may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckedAddr(SocketAddr);

impl CheckedAddr {
    /// Where to connect to.
    pub(super) fn socket(self) -> SocketAddr {
        self.0
    }
}

/// Why a permitted request has nowhere to go.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// Its host has only addresses that it may not go to.
    Denied(Denial),
    /// Its host has no address.
    NotFound,
    /// The resolver failed.
    Lookup(io::Error),
}

impl Permitted {
    /// How many addresses of a host are tried.
    const ADDRESSES: usize = 8;

    /// The method that was decided on.
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The URL that was decided on.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The host and port, as the `Host` field gives them.
    pub(super) fn authority(&self) -> String {
        authority(&self.url)
    }

    /// What stands in the first line of the request.
    pub(super) fn path_and_query(&self) -> String {
        path_and_query(&self.url).to_owned()
    }

    /// The request as denials name it.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The permission that the request uses.
    pub(super) fn capability(&self) -> Capability {
        match self.internal {
            Ok(()) => Capability::NetworkInternal,
            Err(_) => Capability::NetworkExternal,
        }
    }

    /// The addresses of the host that the request may go to, of which there is at least one.
    pub(crate) async fn resolve(&self, resolver: &dyn Resolve) -> Result<Vec<CheckedAddr>, Unresolved> {
        let port = self.url.port_or_known_default().ok_or(Unresolved::NotFound)?;
        let named = match literal(&self.url) {
            Some(address) => vec![address],
            None => {
                let host = self.url.host_str().ok_or(Unresolved::NotFound)?;
                resolver.resolve(host).await.map_err(Unresolved::Lookup)?
            }
        };
        if named.is_empty() {
            return Err(Unresolved::NotFound);
        }
        let admitted = named.into_iter().filter(|address| self.admits(*address)).take(Self::ADDRESSES);
        let checked: Vec<_> = admitted.map(|address| CheckedAddr(SocketAddr::new(address, port))).collect();
        if checked.is_empty() { Err(Unresolved::Denied(self.internal_denial())) } else { Ok(checked) }
    }

    /// Whether the request may go to an address.
    fn admits(&self, address: IpAddr) -> bool {
        // Who grants an internal host by name has not meant the machine's credentials by it.
        let as_granted = || literal(&self.url).is_some() || !is_metadata(address);
        is_public(address) || (self.internal.is_ok() && as_granted())
    }

    fn internal_denial(&self) -> Denial {
        let mut denial = Denial::new(Capability::NetworkInternal, &self.target, Reason::InternalAddress);
        denial.hint = self.internal.clone().err().flatten();
        denial
    }
}

/// Whether the host sends such a request at all.
fn is_sendable(method: &Method, url: &Url) -> bool {
    let tunnels = *method == Method::CONNECT || *method == Method::TRACE;
    let plain = url.username().is_empty() && url.password().is_none();
    !tunnels && plain && url.has_host() && matches!(url.scheme(), "http" | "https")
}

/// The address that a URL names its host by.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A request as denials name it: without user information and query, which may hold secrets.
fn target(method: &Method, url: &Url) -> String {
    format!("{method} {}://{}{}", url.scheme(), authority(url), url.path())
}

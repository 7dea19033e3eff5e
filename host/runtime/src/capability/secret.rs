//! The secret capability: secrets of the owner, which the host puts into requests to the one host that each is for.
//!
//! A request that goes where the manifest says that a secret goes carries it, or is not sent: not granted, without a
//! value, or with something of the guest's own in its place, it is denied. What is decided here is decided on the
//! method and URL that [`network`](super::network) has permitted; the value is put in when the connection stands.

mod rule;
mod values;

use http::HeaderMap;
use openclaw_package::name::SecretName;
use openclaw_package::permission::{Reason as Purpose, SecretPlace, SecretRequest};
use url::Url;

use super::{Capability, Denial, Reason, decide};

pub use rule::{SecretRule, SecretRuleError};
pub(crate) use values::{Carried, SecretCache, SecretValues, cut_fields, cut_head, cut_shown, stream};

/// What the manifest requests and what the owner's rules say of it; without rules nothing is granted.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretGrants {
    skill: String,
    requests: Vec<SecretRequest>,
    allow: Vec<SecretRule>,
    deny: Vec<SecretRule>,
}

impl SecretGrants {
    /// The grants of the skill of that name, which hints repeat.
    pub(crate) fn new(
        skill: impl Into<String>,
        requests: Vec<SecretRequest>,
        allow: Vec<SecretRule>,
        deny: Vec<SecretRule>,
    ) -> Self {
        Self { skill: skill.into(), requests, allow, deny }
    }

    /// The secrets that a request carries, of which there may be none.
    pub(crate) fn due(&self, url: &Url, headers: &HeaderMap) -> Result<Vec<&SecretRequest>, Denial> {
        let due: Vec<_> = self.requests.iter().filter(|request| request.host.is_of(url)).collect();
        for request in &due {
            if let Err(reason) = self.decide(request) {
                let denial = denial(request, reason);
                return Err(match reason {
                    Reason::NotGranted => {
                        denial.with_hint(SecretRule::for_request(request).command(&self.skill))
                    }
                    _ => denial,
                });
            }
            if is_taken(&request.place, url, headers) {
                return Err(denial(request, Reason::ForbiddenRequest));
            }
        }
        Ok(due)
    }

    /// Whether the manifest requests any.
    pub(crate) fn is_asking(&self) -> bool {
        !self.requests.is_empty()
    }

    /// The secrets whose values the skill's calls may use.
    pub(crate) fn granted(&self) -> Vec<SecretName> {
        let granted = self.requests.iter().filter(|request| self.decide(request).is_ok());
        let mut names: Vec<_> = granted.map(|request| request.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The rules that would grant what the manifest requests and the owner has said nothing of, each with its purpose.
    pub(crate) fn missing(&self) -> Vec<(SecretRule, &Purpose)> {
        let open = self.requests.iter().filter(|request| self.decide(request) == Err(Reason::NotGranted));
        open.map(|request| (SecretRule::for_request(request), &request.reason)).collect()
    }

    fn decide(&self, request: &SecretRequest) -> Result<(), Reason> {
        let rule = SecretRule::for_request(request);
        decide(true, self.deny.contains(&rule), self.allow.contains(&rule))
    }
}

/// A denial of a request for lack of its secret.
fn denial(request: &SecretRequest, reason: Reason) -> Denial {
    Denial::new(Capability::Secret, &format!("{} {}", request.name, request.host), reason)
}

/// Whether the guest has put something of its own where the secret is to stand.
fn is_taken(place: &SecretPlace, url: &Url, headers: &HeaderMap) -> bool {
    match place {
        SecretPlace::Header { name, .. } => headers.contains_key(name),
        SecretPlace::Query { name } => has_parameter(url.query().unwrap_or_default(), name),
    }
}

/// Whether a query has a parameter, however a server reads it: some split at `;`, and some take no heed of case.
fn has_parameter(query: &str, name: &str) -> bool {
    let separated = query.replace(';', "&");
    url::form_urlencoded::parse(separated.as_bytes())
        .any(|(known, _)| known.trim().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, host: &str, query: Option<&str>) -> SecretRequest {
        let place = match query {
            Some(query) => SecretPlace::query(query),
            None => SecretPlace::header("authorization", Some("Bearer ")),
        };
        SecretRequest {
            name: name.parse().unwrap(),
            host: host.parse().unwrap(),
            place: place.unwrap(),
            reason: "tests".parse().unwrap(),
        }
    }

    fn grants(requests: Vec<SecretRequest>, allow: &[&str], deny: &[&str]) -> SecretGrants {
        let rules = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        SecretGrants::new("acme/x", requests, rules(allow), rules(deny))
    }

    fn due(grants: &SecretGrants, url: &str) -> Result<usize, Denial> {
        grants.due(&url.parse().unwrap(), &HeaderMap::new()).map(|due| due.len())
    }

    #[test]
    fn a_request_carries_what_is_granted_for_its_very_host_and_port() {
        let requests = vec![request("token", "api.example", None), request("key", "api.example:8443", None)];
        let grants = grants(requests, &["token api.example", "key api.example:8443"], &[]);
        assert_eq!(due(&grants, "https://api.example/a").unwrap(), 1);
        assert_eq!(due(&grants, "https://api.example:8443/a").unwrap(), 1);
        for url in
            ["http://api.example/", "https://api.example:444/", "https://b.api.example/", "https://example/"]
        {
            assert_eq!(due(&grants, url).unwrap(), 0, "{url}");
        }
    }

    #[test]
    fn what_is_not_granted_is_not_sent_without_it() {
        let one = || vec![request("token", "api.example", None)];
        let denied = due(&grants(one(), &[], &[]), "https://api.example/").unwrap_err();
        assert_eq!((denied.reason, denied.target.as_str()), (Reason::NotGranted, "token api.example"));
        assert_eq!(denied.hint.as_deref(), Some("openclaw grant allow acme/x secret token api.example"));
        for allow in ["other api.example", "token other.example", "token api.example:8443"] {
            assert!(due(&grants(one(), &[allow], &[]), "https://api.example/").is_err(), "{allow}");
        }
        let both = grants(one(), &["token api.example"], &["token api.example"]);
        assert_eq!(due(&both, "https://api.example/").unwrap_err().reason, Reason::DeniedByOwner);
        assert!(both.granted().is_empty() && both.missing().is_empty());
        assert_eq!(grants(one(), &[], &[]).missing().len(), 1);
    }

    #[test]
    fn a_guest_cannot_fill_the_place_of_a_secret() {
        let header = grants(vec![request("token", "api.example", None)], &["token api.example"], &[]);
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, "mine".parse().unwrap())]);
        let denied = header.due(&"https://api.example/".parse().unwrap(), &headers).unwrap_err();
        assert_eq!(denied.reason, Reason::ForbiddenRequest);
        let query = grants(vec![request("key", "api.example", Some("api_key"))], &["key api.example"], &[]);
        for taken in ["api_key=x", "a=b&api_key", "a=b;api_key=x", "API_KEY=x", "api%5Fkey=x", "+api_key=x"] {
            let denied = due(&query, &format!("https://api.example/?{taken}")).unwrap_err();
            assert_eq!(denied.reason, Reason::ForbiddenRequest, "{taken}");
            assert!(!denied.target.contains('?'), "{denied}");
        }
        assert_eq!(due(&query, "https://api.example/?api_keys=x&my_api_key=y").unwrap(), 1);
    }
}

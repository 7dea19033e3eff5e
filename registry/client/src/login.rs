//! Login: nothing is stored, and no token sent, before a person has given or confirmed the root's fingerprint.

use jiff::Timestamp;
use openclaw_package::registry::api::Whoami;
use openclaw_package::registry::root::{MAX_ROOTS, fingerprint};
use openclaw_package::registry::{Root, RootError, TrustedRoot};
use openclaw_package::{Digest, Envelope, Origin};

use crate::client::blocking;
use crate::error::Error;
use crate::state::{KnownRegistry, Login, Registries, StateError};
use crate::token::Token;
use crate::transport::{ClientOptions, Http, HttpError, Kind, paths};
use crate::trust::{TrustError, version_unverified};
use crate::url::RegistryUrl;

/// How many fingerprints a person is shown.
const SHOWN: usize = 10;

/// What a login begins with.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// The registry, letter by letter.
    pub url: RegistryUrl,
    /// The token; without one only what is public can be seen.
    pub token: Option<Token>,
    /// The fingerprint of the root, where it is known; otherwise a person must confirm the one that is served.
    pub fingerprint: Option<Digest>,
    /// Whether another registry may take the place of one that is known under this URL.
    pub replace: bool,
}

/// A registry whose root was fetched, and that nobody has confirmed yet. Nothing is stored.
#[derive(Debug)]
pub struct Pending {
    registries: Registries,
    request: LoginRequest,
    /// Without the token, which is sent when this is accepted.
    http: Http,
    chain: Vec<(String, Envelope)>,
    root: TrustedRoot,
    fingerprint: Digest,
    fingerprints: Vec<(u64, Digest)>,
}

/// A login that was stored.
#[derive(Debug)]
pub struct LoggedIn {
    /// The registry.
    pub registry: KnownRegistry,
    /// What the token may do, where there is one.
    pub whoami: Option<Whoami>,
}

impl Registries {
    /// Fetches the root of a registry. A fingerprint that was given and is not the registry's is refused here.
    ///
    /// # Errors
    ///
    /// An outage, a root that does not hold, or another one than is pinned.
    pub async fn login(&self, request: LoginRequest, options: ClientOptions) -> Result<Pending, Error> {
        // Without the token: whose it is has still to be shown.
        let http = Http::new(request.url.clone(), None, options)?;
        let known = match self.find(&request.url) {
            Err(error) if !request.replace => return Err(error.into()),
            known => known.ok().flatten().filter(|_| !request.replace),
        };
        let pinned = known.as_ref().map(KnownRegistry::fingerprint);
        let newest = match http.root(paths::ROOT).await {
            Err(Error::Http(error)) if error.is_not_found() => {
                return Err(HttpError::NotRegistry { url: request.url.to_string() }.into());
            }
            found => found?,
        };
        let served = fingerprint(&newest.1);
        let wanted = request.fingerprint.or(pinned).unwrap_or(served);
        let mut chain = vec![newest];
        extend_to(&http, &mut chain, &wanted).await?;
        let fingerprints = match request.fingerprint.or(pinned) {
            // The operator may have given out an earlier root's: all that lead to the newest are shown.
            None => earlier(&http, &chain).await?,
            Some(_) => Vec::new(),
        };
        // A second login leads from the first one's root to the one that is given now, or is of another registry.
        if let Some(pinned) = pinned.filter(|pinned| *pinned != wanted) {
            extend_to(&http, &mut chain, &pinned).await?;
            if !chain.iter().any(|(_, envelope)| fingerprint(envelope) == pinned) {
                return Err(StateError::OtherRoot { url: request.url, known: pinned, given: wanted }.into());
            }
        }
        let start = pinned.unwrap_or(wanted);
        let envelopes: Vec<Envelope> = chain.iter().map(|(_, envelope)| envelope.clone()).collect();
        let root = match TrustedRoot::pin(&envelopes, &start) {
            Err(RootError::NotPinned(given)) => return Err(TrustError::Fingerprint { given, served }.into()),
            other => other.map_err(TrustError::from)?,
        };
        // It may be an older root than the pinned one: then it must lead there, not only stand in front.
        match TrustedRoot::pin(&envelopes, &wanted) {
            Err(RootError::NotPinned(given)) => return Err(TrustError::Fingerprint { given, served }.into()),
            other => other.map_err(TrustError::from)?,
        };
        root.check_expiry(Timestamp::now()).map_err(TrustError::from)?;
        chain.retain({
            let mut found = false;
            move |(_, envelope)| {
                found |= fingerprint(envelope) == start;
                found
            }
        });
        let registries = self.clone();
        Ok(Pending { registries, request, http, chain, root, fingerprint: start, fingerprints })
    }
}

impl Pending {
    /// The registry.
    pub fn url(&self) -> &RegistryUrl {
        &self.request.url
    }

    /// The name that stands in everything the registry signs.
    pub fn origin(&self) -> &Origin {
        self.root.root().origin()
    }

    /// The newest root.
    pub fn root(&self) -> &Root {
        self.root.root()
    }

    /// The fingerprint of the root that is pinned when this is accepted: show it, and have it confirmed.
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// The versions of the root and their fingerprints, the newest first and no more than a person can compare, where
    /// somebody has to confirm one of them. Each leads to the newest.
    pub fn fingerprints(&self) -> &[(u64, Digest)] {
        &self.fingerprints
    }

    /// Whether a person still has to confirm it: no fingerprint was given, and none was pinned before.
    pub fn needs_confirmation(&self) -> bool {
        self.request.fingerprint.is_none() && !self.is_known()
    }

    /// Whether there was a login to this very registry before.
    pub fn is_known(&self) -> bool {
        let known = self.registries.find(&self.request.url).ok().flatten();
        known.is_some_and(|known| known.fingerprint() == self.fingerprint)
    }

    /// Stores the login, once the token was found good. To be called when the fingerprint was given or confirmed.
    ///
    /// # Errors
    ///
    /// A token that the registry does not take, or another process that has pinned another root meanwhile. Nothing
    /// is stored then.
    pub async fn accept(self) -> Result<LoggedIn, Error> {
        let Self { registries, request, http, chain, root, fingerprint, .. } = self;
        let whoami = match &request.token {
            Some(token) => {
                let http = http.with_token(token.clone());
                Some(http.json(Kind::WHOAMI, paths::WHOAMI).await?)
            }
            None => None,
        };
        let login = Login {
            url: request.url,
            origin: root.root().origin().clone(),
            fingerprint,
            roots: chain.into_iter().map(|(text, _)| text).collect(),
            token: request.token,
            replace: request.replace,
        };
        let registry = blocking(move || registries.store(login)).await?;
        Ok(LoggedIn { registry, whoami })
    }
}

/// The newest root and those that lead to it, the newest first: some of the newest, and the first.
async fn earlier(http: &Http, newest: &[(String, Envelope)]) -> Result<Vec<(u64, Digest)>, Error> {
    let mut chain = newest.to_vec();
    // No root has this fingerprint: all there are, as far down as they go.
    extend_to(http, &mut chain, &Digest::of(b"")).await?;
    let envelopes: Vec<Envelope> = chain.iter().map(|(_, envelope)| envelope.clone()).collect();
    let leads = |envelope: &&Envelope| TrustedRoot::pin(&envelopes, &fingerprint(envelope)).is_ok();
    let mut found: Vec<(u64, Digest)> = envelopes
        .iter()
        .filter(leads)
        .filter_map(|envelope| Some((version_unverified(envelope)?, fingerprint(envelope))))
        .collect();
    found.reverse();
    if found.len() > SHOWN {
        found.drain(SHOWN - 1..found.len() - 1);
    }
    Ok(found)
}

/// Puts older roots in front of the chain until the wanted one is there, or there are none.
async fn extend_to(http: &Http, chain: &mut Vec<(String, Envelope)>, wanted: &Digest) -> Result<(), Error> {
    for _ in chain.len()..MAX_ROOTS {
        if chain.iter().any(|(_, envelope)| fingerprint(envelope) == *wanted) {
            return Ok(());
        }
        let oldest = chain.first().and_then(|(_, envelope)| version_unverified(envelope)).unwrap_or(1);
        if oldest <= 1 {
            return Ok(());
        }
        match http.root(&paths::root(oldest - 1)).await {
            Ok(older) => {
                // The version is only a claim; it must fall, or this would never end.
                if version_unverified(&older.1) != Some(oldest - 1) {
                    return Ok(());
                }
                chain.insert(0, older);
            }
            Err(Error::Http(error)) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

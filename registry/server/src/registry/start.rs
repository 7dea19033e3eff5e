//! The first start of a registry, and every later one.

use jiff::{SignedDuration, Timestamp};
use openclaw_package::registry::{History, Origin, Root, RootParts};
use openclaw_package::{Digest, PublisherName};

use super::Registry;
use super::tokens::{Issued, NewToken, issue};
use crate::error::{Fault, Result};
use crate::keys::Purpose;
use crate::limits::Limits;
use crate::location::Location;
use crate::store::log::{Appending, insert_root};
use crate::store::{Head, Store, accounts, find_head, whole_seconds};

/// How long a root holds: two years.
pub(super) const ROOT_LIFETIME: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);

/// How a registry is started.
#[derive(Debug, Clone)]
pub struct Start {
    /// Where it keeps what.
    pub location: Location,
    /// The name that a new one gets; by default one that follows from its first key.
    pub origin: Option<Origin>,
    /// The publisher that a new one begins with.
    pub bootstrap: Option<PublisherName>,
    /// Its limits.
    pub limits: Limits,
}

/// A registry that was started.
pub struct Started {
    /// The registry.
    pub registry: Registry,
    /// Its name.
    pub origin: Origin,
    /// The fingerprint of its newest root.
    pub fingerprint: Digest,
    /// The first token, at the first start with a publisher to begin with.
    pub first_token: Option<Issued>,
    /// Whether this was the first start.
    pub is_new: bool,
}

impl Registry {
    /// Starts a registry; makes one where there is none. No other server can have the data directory meanwhile.
    ///
    /// # Errors
    ///
    /// A directory that another server has; a store that cannot be opened or is of a newer server.
    pub async fn start(start: Start) -> Result<Started> {
        start.location.create()?;
        let lock = start.location.lock()?;
        let store = start.location.store().await?;
        let head = find_head(&mut *store.read().await?).await?;
        let is_new = head.is_none();
        if is_new {
            // Beside keys and blobs of a backup a new registry would be a mixture of two.
            start.location.must_be_whole()?;
        } else {
            start.location.end_restore()?;
        }
        let first_token = if is_new { create(&start, &store).await? } else { None };
        let registry = Self::assemble(&start.location, store, start.limits, Some(lock))?;
        registry.sweep().await?;
        let mut connection = registry.store().read().await?;
        let head = crate::store::read_head(&mut connection).await?;
        let fingerprint = registry.authority(&mut connection, head.root_version).await?.root.fingerprint();
        drop(connection);
        Ok(Started { registry, origin: head.origin, fingerprint, first_token, is_new })
    }
}

/// Makes a registry: keys, the first root as the first entry of the log, and perhaps a publisher with a token.
async fn create(start: &Start, store: &Store) -> Result<Option<Issued>> {
    let keys = start.location.keys();
    let mut made = keys.new_keys();
    let (root_key, log_key, takedown_key) =
        (made.make(Purpose::Root)?, made.make(Purpose::Log)?, made.make(Purpose::Takedown)?);
    let now = Timestamp::now();
    let root = Root::new(RootParts {
        version: 1,
        origin: name(start, &root_key.public_key().key_id())?,
        keys: vec![root_key.public_key()],
        threshold: 1,
        log_key: log_key.public_key(),
        takedown_key: takedown_key.public_key(),
        expires: expiry(now)?,
    })?;
    let envelope = root.sign(&[&root_key]);
    let (mut transaction, _turn) = store.first_write().await?;
    let mut head = Head {
        origin: root.origin().clone(),
        size: 0,
        checkpoint: String::new(),
        root_version: root.version(),
        takedown_sequence: 0,
    };
    insert_head(&mut transaction, &head).await?;
    let mut log = Appending::begin(&mut transaction, 0).await?;
    let index = log.push(&mut transaction, &envelope.to_json()).await?;
    log.finish(&mut transaction, &mut head, &log_key).await?;
    insert_root(&mut transaction, 1, &envelope, index).await?;
    let mut first_token = None;
    if let Some(publisher) = &start.bootstrap {
        let history = History::new(head.origin.clone(), publisher.clone());
        accounts::create(&mut transaction, &history, now).await?;
        first_token = Some(issue(&mut transaction, &NewToken::first(publisher.clone()), now).await?);
    }
    made.keep();
    transaction.commit().await?;
    Ok(first_token)
}

async fn insert_head(connection: &mut sqlx::AnyConnection, head: &Head) -> Result<()> {
    const SQL: &str = "INSERT INTO log (id, origin, size, checkpoint, root_version, takedown_sequence)
        VALUES (1, $1, 0, '', 1, 0)";
    sqlx::query(SQL).bind(head.origin.to_string()).execute(connection).await?;
    Ok(())
}

/// The name of a new registry.
fn name(start: &Start, key_id: &str) -> Result<Origin> {
    match &start.origin {
        Some(origin) => Ok(origin.clone()),
        None => Ok(format!("openclaw-{}", key_id.get(..16).unwrap_or(key_id)).parse()?),
    }
}

/// When a root that is made now ends.
pub(super) fn expiry(now: Timestamp) -> Result<Timestamp> {
    Ok(whole_seconds(now).checked_add(ROOT_LIFETIME).map_err(|error| Fault::Usage(error.to_string()))?)
}

//! What a caller may set about connections.

use std::path::PathBuf;
use std::time::Duration;

/// How long things may take, and how slow they may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// Until the next byte arrives.
    pub idle: Duration,
    /// The longest that a small document may take in all.
    pub document: Duration,
    /// The longest that an archive may take in all, either way.
    pub archive: Duration,
    /// How long an answer may stay below the least rate.
    pub grace: Duration,
    /// The least average rate after that, in bytes a second.
    pub least_rate: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            document: Duration::from_secs(60),
            archive: Duration::from_secs(900),
            grace: Duration::from_secs(10),
            least_rate: 1 << 10,
        }
    }
}

/// How a client connects and where it keeps what it fetched.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Where indexes and archives are kept; all of it may be deleted at any time.
    pub cache_dir: PathBuf,
    /// More certificate authorities, in PEM, beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether `HTTPS_PROXY` and its like are followed.
    pub environment_proxy: bool,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How often a GET is tried again where the registry cannot be reached or says that it is busy.
    pub retries: u32,
    /// How long to wait before the first of them; each next one waits twice as long.
    pub backoff: Duration,
    /// The longest that a `Retry-After` is followed.
    pub longest_wait: Duration,
}

impl ClientOptions {
    /// The defaults, with this cache.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            ca_file: None,
            environment_proxy: false,
            timeouts: Timeouts::default(),
            retries: 3,
            backoff: Duration::from_millis(250),
            longest_wait: Duration::from_secs(10),
        }
    }
}

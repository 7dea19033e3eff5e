//! How much a client may ask of the server: one plain struct, with a default for every number.

use std::num::NonZeroU32;
use std::time::Duration;

/// The limits of a server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests a minute of one client address.
    pub requests_per_minute: NonZeroU32,
    /// Writing requests a minute of one token.
    pub writes_per_minute: NonZeroU32,
    /// New skills a day of one publisher.
    pub new_names_per_day: u32,
    /// Uploads an hour of one publisher.
    pub uploads_per_hour: u32,
    /// Uploads that are received and unpacked at once.
    pub parallel_uploads: usize,
    /// Connections at once.
    pub connections: usize,
    /// The head of a request, in bytes.
    pub head_size: usize,
    /// Until the head of a request has arrived.
    pub head_time: Duration,
    /// Until an upload has arrived whole.
    pub upload_time: Duration,
    /// Until any other request is answered.
    pub request_time: Duration,
    /// Until the next bytes of a body arrive.
    pub idle_time: Duration,
}

impl Limits {
    /// Those of a server that is told nothing else.
    pub const DEFAULT: Self = Self {
        requests_per_minute: count(1200),
        writes_per_minute: count(120),
        new_names_per_day: 100,
        uploads_per_hour: 300,
        parallel_uploads: 4,
        connections: 1024,
        head_size: 32 << 10,
        head_time: Duration::from_secs(10),
        upload_time: Duration::from_secs(300),
        request_time: Duration::from_secs(30),
        idle_time: Duration::from_secs(20),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const fn count(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// The JSON beside an archive, in bytes.
pub const PUBLICATION_SIZE: usize = 128 << 10;

/// Events in one request.
pub const EVENTS_PER_REQUEST: usize = 16;

/// A publisher's history, in bytes: all of it stands in the provenance of each release, which clients read up to 32 MiB.
pub const HISTORY_SIZE: u64 = 24 << 20;

/// What of it is kept for yanks and for keys that come and go.
pub const HISTORY_RESERVE: u64 = 4 << 20;

/// Any other body, in bytes.
pub const BODY_SIZE: usize = 512 << 10;

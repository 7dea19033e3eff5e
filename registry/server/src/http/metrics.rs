//! What is counted: requests by route and status, how long they took, what was published and refused.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Half a millisecond to half a minute.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    route: String,
}

/// The metrics of a server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Timed, Histogram, fn() -> Histogram>,
    published: Counter,
    rate_limited: Counter,
    log_size: Gauge,
    blob_bytes: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("openclaw_registry");
        let requests = Family::<Answered, Counter>::default();
        let durations: Family<Timed, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let (published, rate_limited) = (Counter::default(), Counter::default());
        let (log_size, blob_bytes) = (Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register("http_request_duration_seconds", "Until an answer began", durations.clone());
        registry.register("published", "Versions that were published", published.clone());
        registry.register("rate_limited", "Requests that were refused as too many", rate_limited.clone());
        registry.register("log_size", "Entries of the log", log_size.clone());
        registry.register("blob_bytes", "Bytes of all blobs that releases name", blob_bytes.clone());
        Self { registry, requests, durations, published, rate_limited, log_size, blob_bytes }
    }
}

impl Metrics {
    /// Counts an answer. Routes are templates, so their number is bounded whatever is asked.
    pub(super) fn count(&self, method: &str, route: &str, status: u16, took: Duration) {
        let answered = Answered { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&answered).inc();
        self.durations.get_or_create(&Timed { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Counts a version that was published.
    pub(super) fn count_published(&self) {
        self.published.inc();
    }

    /// Counts a request that was refused as one too many.
    pub(super) fn count_rate_limited(&self) {
        self.rate_limited.inc();
    }

    /// All of it as text.
    pub(super) fn encode(&self, log_size: u64, blob_bytes: u64) -> String {
        self.log_size.set(i64::try_from(log_size).unwrap_or(i64::MAX));
        self.blob_bytes.set(i64::try_from(blob_bytes).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

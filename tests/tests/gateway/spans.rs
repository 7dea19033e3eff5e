//! Traces: whoever collects spans sees a call below its request, and the request below what its caller traces.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use openclaw_gateway::server::Gateway;
use openclaw_gateway::tokens::{NewToken, TokenStore};
use openclaw_gateway::{Options, Scope, Service, Settings};
use openclaw_runtime::consent::Consents;
use openclaw_runtime::layout::DataDir;
use openclaw_tests::gateway::post;
use openclaw_tests::{embedded, http::Request};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::home;

/// A span as an exporter would have it.
#[derive(Clone, Debug, Default)]
struct Seen {
    name: &'static str,
    parent: Option<u64>,
    fields: HashMap<String, String>,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

/// Collects spans, as an exporter does.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<HashMap<u64, Seen>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let parent = span.parent().map(|parent| parent.id().into_u64());
        let mut seen = Seen { name: span.name(), parent, ..Seen::default() };
        attributes.record(&mut seen);
        self.0.lock().unwrap().insert(id.into_u64(), seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(seen) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(seen);
        }
    }
}

impl Collector {
    /// The last span of that name that ended so.
    fn find(&self, name: &str, field: &str, value: &str) -> (u64, Seen) {
        let spans = self.0.lock().unwrap();
        let found = spans.iter().find(|(_, seen)| {
            seen.name == name && seen.fields.get(field).is_some_and(|known| known == value)
        });
        let (id, seen) = found.unwrap_or_else(|| panic!("no {name} with {field} {value} in {spans:?}"));
        (*id, seen.clone())
    }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_a_child_of_its_request_which_is_one_of_its_callers_trace() {
    let collector = Collector::default();
    tracing_subscriber::registry().with(collector.clone()).init();
    let home = home();
    let dir = DataDir::open(home.data()).unwrap();
    let (secret, _) =
        TokenStore::of(&dir).create(NewToken::new("tracer".parse().unwrap(), Scope::all())).unwrap();
    let service = Arc::new(Service::new(embedded::open(&home, 4), Consents::default()));
    let settings = Settings {
        hosts: Vec::new(),
        origins: Vec::new(),
        tls: None,
        max_requests: 8,
        drain: std::time::Duration::from_secs(1),
    };
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        insecure: false,
        limits: Default::default(),
        agents: None,
        settings,
    };
    let gateway = Gateway::bind(service, options).await.unwrap();
    let handle = gateway.handle();
    let address = handle.address();
    handle.ready();
    tokio::spawn(gateway.run(std::future::pending()));
    let send = |request: Request| async move {
        tokio::task::spawn_blocking(move || request.send(address).unwrap()).await.unwrap()
    };
    let call = || post("compute/echo", &json!({ "text": "x" })).by(secret.reveal());

    send(call().with("traceparent", &format!("00-{TRACE}-{PARENT}-01"))).await.ok();
    let (id, request) = collector.find("request", "trace_id", TRACE);
    assert_eq!(request.fields["parent_id"], PARENT);
    assert_eq!(request.fields["route"], "/api/v1/tools/{publisher}/{skill}/{tool}");
    assert_eq!(
        (&*request.fields["method"], &*request.fields["status"], &*request.fields["caller"]),
        ("POST", "200", "tracer")
    );
    assert!(request.fields["duration_us"].parse::<u64>().unwrap() > 0);
    let (_, call_span) = collector.find("tool_call", "tool", "acme/compute/echo");
    assert_eq!(call_span.parent, Some(id), "{call_span:?}");
    assert_eq!((&*call_span.fields["outcome"], &*call_span.fields["caller"]), ("ok", "tracer"));
    assert!(call_span.fields["package"].starts_with("sha256:"));
    assert!(call_span.fields["fuel"].parse::<u64>().unwrap() > 0);

    collector.0.lock().unwrap().clear();
    send(call().with("traceparent", "00-zz-1-01")).await.ok();
    let (_, request) = collector.find("request", "method", "POST");
    assert!(!request.fields.contains_key("trace_id"), "{request:?}");
    let all = format!("{:?}", collector.0.lock().unwrap());
    assert!(!all.contains(&secret.reveal()[4..]), "the token is in a span");
}

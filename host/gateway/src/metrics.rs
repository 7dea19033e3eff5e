//! What is counted: calls by skill and outcome, requests by route and status, and how the process fares.
//!
//! Labels are bounded in number: routes are templates, codes are ours, and skills are those that are installed.

mod models;
mod process;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use models::ModelMetrics;
use openclaw_agent::models::Models;
use openclaw_package::name::SkillId;
use openclaw_runtime::catalog::Entry;
use openclaw_runtime::dispatch::CallOutcome;
use openclaw_runtime::{Dispatcher, Report};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serde::Serialize;

/// A fiftieth of a millisecond to five minutes.
const BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 50.0, 250.0, 1_000.0, 10_000.0, 300_000.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSkill {
    skill: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    skill: String,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Turned {
    agent: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Read {
    agent: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAgent {
    agent: String,
}

type Durations = Family<Timed, Histogram, fn() -> Histogram>;

/// The metrics of one gateway, of all its surfaces.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started: Instant,
    executions: Family<OfSkill, Counter>,
    failures: Family<Failed, Counter>,
    fuel: Counter,
    denials: Counter,
    cancelled: Counter,
    triggers: Counter,
    requests: Family<Answered, Counter>,
    durations: Durations,
    errors: Family<Refused, Counter>,
    connections: Gauge,
    agents: AgentMetrics,
    models: ModelMetrics,
    gauges: Gauges,
    /// Skills and labels that there are, so that those of a removed skill can go.
    installed: Mutex<HashSet<String>>,
    failed: Mutex<HashSet<Failed>>,
    totals: Totals,
}

/// What agents did. Their names are the owner's, and so few.
#[derive(Debug, Default)]
struct AgentMetrics {
    turns: Family<Turned, Counter>,
    tokens: Family<Read, Counter>,
    cost: Family<OfAgent, Counter<f64, AtomicU64>>,
    at_work: Gauge,
}

impl AgentMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("openclaw_agent_turns", "Messages that an agent answered", self.turns.clone());
        registry.register("openclaw_agent_tokens", "Tokens of an agent's models", self.tokens.clone());
        registry.register("openclaw_agent_cost_dollars", "What they cost", self.cost.clone());
        let help = "Conversations that are being answered";
        registry.register("openclaw_agent_sessions_at_work", help, self.at_work.clone());
    }
}

/// What is looked at when somebody asks.
#[derive(Debug, Default)]
struct Gauges {
    running: Gauge,
    places: Gauge,
    skills: Gauge,
    memory: Gauge,
    resident: Gauge,
    uptime: Gauge,
}

/// Sums over all labels.
#[derive(Debug, Default)]
struct Totals {
    requests: AtomicU64,
    request_micros: AtomicU64,
    calls: AtomicU64,
    failed_calls: AtomicU64,
}

/// The same for programs, as `openclaw metrics --format=json` prints it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MetricsDocument {
    /// Seconds since the gateway started.
    pub uptime: u64,
    /// Skills that are installed and loaded.
    pub active_skills: u64,
    /// Resident memory of the gateway and of its child processes, in MiB.
    pub memory_usage_mb: f64,
    /// Resident memory of the gateway's own process, in bytes.
    pub resident_memory_bytes: u64,
    /// Requests that were answered.
    pub total_requests: u64,
    /// Mean time until an answer began, in milliseconds.
    pub avg_response_time_ms: f64,
    /// Tool calls, over all surfaces.
    pub tool_calls: u64,
    /// Those that gave no result.
    pub failed_tool_calls: u64,
    /// Those that their callers gave up.
    pub cancelled_tool_calls: u64,
    /// Those that a schedule made.
    pub trigger_runs: u64,
    /// Calls that run now.
    pub running_calls: u64,
    /// Calls that may run at once.
    pub places: u64,
    /// Fuel that all calls burnt.
    pub fuel: u64,
    /// Uses of capabilities that were denied.
    pub denials: u64,
    /// Connections that are open now.
    pub connections: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let executions = Family::<OfSkill, Counter>::default();
        let failures = Family::<Failed, Counter>::default();
        let requests = Family::<Answered, Counter>::default();
        let durations: Durations = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let errors = Family::<Refused, Counter>::default();
        let (fuel, denials) = (Counter::default(), Counter::default());
        let (cancelled, triggers) = (Counter::default(), Counter::default());
        let (connections, gauges) = (Gauge::default(), Gauges::default());
        let mut counter =
            |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
        counter("openclaw_fuel", "Fuel that all calls burnt, about one per WebAssembly instruction", &fuel);
        counter("openclaw_denials", "Uses of capabilities that were denied", &denials);
        counter("openclaw_cancelled_calls", "Calls that their callers gave up", &cancelled);
        counter("openclaw_trigger_runs", "Calls that a schedule made", &triggers);
        registry.register("openclaw_skill_executions", "Tool calls of a skill", executions.clone());
        registry.register("openclaw_skill_errors", "Tool calls that gave no result", failures.clone());
        registry.register("openclaw_requests", "Requests that were answered", requests.clone());
        registry.register("openclaw_request_duration_ms", "Until an answer began", durations.clone());
        registry.register("openclaw_errors", "Requests that were answered with an error", errors.clone());
        let mut gauge = |name: &str, help: &str, gauge: &Gauge| registry.register(name, help, gauge.clone());
        gauge("openclaw_connections", "Connections that are open", &connections);
        gauge("openclaw_running_calls", "Calls that run now", &gauges.running);
        gauge("openclaw_call_places", "Calls that may run at once", &gauges.places);
        gauge("openclaw_active_skills", "Skills that are installed and loaded", &gauges.skills);
        gauge("openclaw_memory_usage_bytes", "Resident memory, child processes included", &gauges.memory);
        gauge("openclaw_uptime_seconds", "Since the gateway started", &gauges.uptime);
        gauge("process_resident_memory_bytes", "Resident memory of the gateway's process", &gauges.resident);
        let agents = AgentMetrics::default();
        agents.register(&mut registry);
        let models = ModelMetrics::default();
        registry.register_collector(Box::new(models.clone()));
        let (installed, failed) = (Mutex::default(), Mutex::default());
        let (started, totals) = (Instant::now(), Totals::default());
        Self {
            registry,
            started,
            executions,
            failures,
            fuel,
            denials,
            cancelled,
            triggers,
            requests,
            durations,
            errors,
            connections,
            agents,
            models,
            gauges,
            installed,
            failed,
            totals,
        }
    }
}

impl Metrics {
    /// Counts a call of an installed skill.
    pub(crate) fn count_call(&self, skill: &SkillId, outcome: &CallOutcome) {
        let skill = skill.as_str().to_owned();
        self.totals.calls.fetch_add(1, Ordering::Relaxed);
        let report = match outcome {
            Ok(result) => &result.report,
            Err((error, report)) => {
                let code = error.code();
                if code == "cancelled" {
                    self.cancelled.inc();
                }
                self.count_failure(Failed { skill: skill.clone(), code });
                report
            }
        };
        self.executions.get_or_create(&OfSkill { skill }).inc();
        let Report { spent, denial_count, .. } = report;
        self.fuel.inc_by(spent.fuel);
        self.denials.inc_by(*denial_count);
    }

    /// Counts a call that a schedule makes.
    pub(crate) fn count_trigger(&self) {
        self.triggers.inc();
    }

    /// Counts an agent's turn, by how it ended.
    pub(crate) fn count_turn(
        &self,
        agent: &str,
        outcome: &'static str,
        totals: openclaw_agent::session::Totals,
    ) {
        let agents = &self.agents;
        agents.turns.get_or_create(&Turned { agent: agent.to_owned(), outcome }).inc();
        let openclaw_agent::session::Totals { usage, cost } = totals;
        for (kind, tokens) in [("input", usage.input), ("cached", usage.cached), ("output", usage.output)] {
            agents.tokens.get_or_create(&Read { agent: agent.to_owned(), kind }).inc_by(tokens);
        }
        agents.cost.get_or_create(&OfAgent { agent: agent.to_owned() }).inc_by(cost as f64 / 1e6);
    }

    /// Reads what became of questions to models from these, from now on; of two of one name, from the later one.
    pub fn follow_models(&self, models: Vec<Models>) {
        self.models.follow(models);
    }

    /// Takes note of how many conversations are being answered.
    pub(crate) fn set_at_work(&self, conversations: usize) {
        self.agents.at_work.set(i64::try_from(conversations).unwrap_or(i64::MAX));
    }

    fn count_failure(&self, failed: Failed) {
        self.totals.failed_calls.fetch_add(1, Ordering::Relaxed);
        self.failures.get_or_create(&failed).inc();
        lock(&self.failed).insert(failed);
    }

    /// Forgets the labels of skills that were installed when it was asked the last time, and are not any more.
    pub(crate) fn retain(&self, dispatcher: &Dispatcher) {
        let catalog = dispatcher.catalog();
        let now: HashSet<String> = catalog.iter().map(|(skill, _)| skill.as_str().to_owned()).collect();
        let before = std::mem::replace(&mut *lock(&self.installed), now.clone());
        for skill in before.difference(&now) {
            self.executions.remove(&OfSkill { skill: skill.clone() });
        }
        lock(&self.failed).retain(|failed| {
            let is_installed = now.contains(&failed.skill);
            if !is_installed {
                self.failures.remove(failed);
            }
            is_installed
        });
    }

    /// Counts an answer, and how long it took until it began.
    pub(crate) fn count_request(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        took: Duration,
    ) {
        self.requests.get_or_create(&Answered { method, route, status }).inc();
        self.durations.get_or_create(&Timed { route }).observe(took.as_secs_f64() * 1e3);
        self.totals.requests.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.totals.request_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts an answer that is an error.
    pub(crate) fn count_error(&self, code: &str) {
        self.errors.get_or_create(&Refused { code: code.to_owned() }).inc();
    }

    /// Counts a connection until the answer is dropped.
    pub(crate) fn connection(&self) -> impl Drop + use<> {
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// All of it in the OpenMetrics text format, which Prometheus reads.
    #[must_use]
    pub fn encode(&self, dispatcher: &Dispatcher) -> String {
        let (own, with_children) = process::memory();
        let document = self.document_of(dispatcher, own, with_children);
        let set = |gauge: &Gauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.gauges.running, document.running_calls);
        set(&self.gauges.places, document.places);
        set(&self.gauges.skills, document.active_skills);
        set(&self.gauges.memory, with_children);
        set(&self.gauges.resident, document.resident_memory_bytes);
        set(&self.gauges.uptime, document.uptime);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// All of it in a few numbers.
    #[must_use]
    pub fn document(&self, dispatcher: &Dispatcher) -> MetricsDocument {
        let (own, with_children) = process::memory();
        self.document_of(dispatcher, own, with_children)
    }

    /// The same, with the resident memory of this process, and with that of its children, in bytes.
    fn document_of(&self, dispatcher: &Dispatcher, own: u64, with_children: u64) -> MetricsDocument {
        let load = |total: &AtomicU64| total.load(Ordering::Relaxed);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let total_requests = load(&self.totals.requests);
        let answering_ms = load(&self.totals.request_micros) as f64 / 1e3;
        // All of the snapshot, which may be so new that nothing of it was looked at.
        let active_skills =
            dispatcher.catalog().iter().filter(|(_, entry)| matches!(entry, Entry::Loaded(_))).count();
        MetricsDocument {
            uptime: self.started.elapsed().as_secs(),
            active_skills: count(active_skills),
            memory_usage_mb: rounded(with_children as f64 / f64::from(1 << 20)),
            resident_memory_bytes: own,
            total_requests,
            avg_response_time_ms: rounded(answering_ms / total_requests.max(1) as f64),
            tool_calls: load(&self.totals.calls),
            failed_tool_calls: load(&self.totals.failed_calls),
            cancelled_tool_calls: self.cancelled.get(),
            trigger_runs: self.triggers.get(),
            running_calls: count(dispatcher.running()),
            places: count(dispatcher.places()),
            fuel: self.fuel.get(),
            denials: self.denials.get(),
            connections: u64::try_from(self.connections.get()).unwrap_or(0),
        }
    }
}

struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// To three digits behind the point.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

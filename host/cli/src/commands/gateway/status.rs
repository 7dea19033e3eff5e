//! `openclaw gateway --status`: how the gateway that runs is doing.

use std::net::SocketAddr;

use hyper::StatusCode;
use serde::Deserialize;

use super::client::Client;
use crate::environment::Environment;
use crate::error::Result;
use crate::json::{GatewayCounts, GatewayStatus};
use crate::output::{Output, bad, good, table, warning};

#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
    agents: u32,
}

/// Asks, and shows the answers.
pub(super) fn run(listen: Option<SocketAddr>, environment: &Environment, output: &Output) -> Result<()> {
    let client = Client::of(environment, listen)?;
    let health: Health = client.document("/health")?;
    let ready = client.get("/ready")?.status == StatusCode::OK;
    let counts: GatewayCounts = client.document("/api/v1/metrics")?;
    let Health { status, version, agents } = health;
    let status = GatewayStatus { url: client.url(), status, ready, version, agents, counts };
    if output.is_json() {
        return output.document(&status);
    }
    show(&status, output);
    Ok(())
}

fn show(status: &GatewayStatus, output: &Output) {
    let health = if status.status == "healthy" { good(&status.status) } else { bad(&status.status) };
    let ready = if status.ready {
        good("takes calls")
    } else {
        warning("takes no calls: it is starting or stopping")
    };
    output.line(format_args!("{} is {health} and {ready}", status.url));
    output.lines(counts(&status.counts, &status.version));
}

/// The most important numbers, for people.
pub(in crate::commands) fn counts(counts: &GatewayCounts, version: &str) -> Vec<String> {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let rows = [
        row("version", version.to_owned()),
        row("uptime", duration(counts.uptime)),
        row("skills", counts.active_skills.to_string()),
        row("memory", format!("{:.1} MiB", counts.memory_usage_mb)),
        row("connections", counts.connections.to_string()),
        row("requests", format!("{}, {} ms on average", counts.total_requests, counts.avg_response_time_ms)),
        row(
            "calls",
            format!(
                "{}, {} failed, {} cancelled, {} by triggers; {} of {} places taken",
                counts.tool_calls,
                counts.failed_tool_calls,
                counts.cancelled_tool_calls,
                counts.trigger_runs,
                counts.running_calls,
                counts.places
            ),
        ),
        row("denials", counts.denials.to_string()),
    ];
    table(["what", "value"], &rows)
}

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_is_told_in_what_matters_of_it() {
        let told: Vec<_> = [59, 61, 3_660, 90_000].map(duration).into();
        assert_eq!(told, ["59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
    }
}

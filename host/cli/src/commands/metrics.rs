//! `openclaw metrics`: what the gateway that runs has counted.

use hyper::StatusCode;

use super::gateway::client::Client;
use super::gateway::counts;
use crate::cli::{Metrics, MetricsFormat};
use crate::environment::Environment;
use crate::error::Result;
use crate::json::GatewayCounts;
use crate::output::Output;

/// Asks for the metrics, and shows them.
pub(crate) fn run(arguments: &Metrics, environment: &Environment, output: &Output) -> Result<()> {
    let client = Client::of(environment, None)?;
    match arguments.format {
        MetricsFormat::Prometheus => {
            let answer = client.get("/metrics")?;
            if answer.status != StatusCode::OK {
                return Err(client.refused(&answer));
            }
            output.bytes(&answer.body);
            Ok(())
        }
        format => {
            let document: GatewayCounts = client.document("/api/v1/metrics")?;
            if output.is_json() || format == MetricsFormat::Json {
                return output.document(&document);
            }
            output.lines(counts(&document, env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    }
}

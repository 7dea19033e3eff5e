//! What became of the questions to language models: read from the models themselves, whenever somebody asks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use openclaw_agent::models::{Models, Totals};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::lock;

/// The models of a gateway; of those of one name, the last one's are told.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelMetrics(Arc<Mutex<Vec<Models>>>);

impl ModelMetrics {
    /// Reads these models from now on.
    pub(super) fn follow(&self, models: Vec<Models>) {
        *lock(&self.0) = models;
    }
}

impl Collector for ModelMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let totals: BTreeMap<String, Totals> = lock(&self.0).iter().flat_map(Models::totals).collect();
        let help = "Questions to a model, by what became of them";
        family(&mut encoder, "openclaw_model_questions", help, &totals, |model, totals| {
            let Totals { answers, failures, busy, cached, .. } = *totals;
            [("answered", answers), ("failed", failures), ("busy", busy), ("cached", cached)]
                .map(|(outcome, count)| ([("model", model), ("outcome", outcome)], ConstCounter::new(count)))
        })?;
        let help = "Questions that were put to a model anew after it failed";
        family(&mut encoder, "openclaw_model_retries", help, &totals, |model, totals| {
            [([("model", model)], ConstCounter::new(totals.retries))]
        })?;
        let help = "Tokens of a model, those of answers that broke off included";
        family(&mut encoder, "openclaw_model_tokens", help, &totals, |model, totals| {
            let usage = totals.usage;
            [("input", usage.input), ("cached", usage.cached), ("output", usage.output)]
                .map(|(kind, count)| ([("model", model), ("kind", kind)], ConstCounter::new(count)))
        })?;
        family(&mut encoder, "openclaw_model_cost_dollars", "What they cost", &totals, |model, totals| {
            [([("model", model)], ConstCounter::new(totals.cost as f64 / 1e6))]
        })?;
        let help = "1 while a model is not asked since it kept failing";
        family(&mut encoder, "openclaw_model_spared", help, &totals, |model, totals| {
            [([("model", model)], ConstGauge::new(i64::from(totals.spared)))]
        })
    }
}

/// Writes one metric of all models.
fn family<'a, L: EncodeLabelSet, M: EncodeMetric, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    totals: &'a BTreeMap<String, Totals>,
    of: impl Fn(&'a str, &Totals) -> [(L, M); N],
) -> fmt::Result {
    let metrics: Vec<(L, M)> = totals.iter().flat_map(|(model, totals)| of(model, totals)).collect();
    let Some((_, first)) = metrics.first() else { return Ok(()) };
    let mut family = encoder.encode_descriptor(name, help, None, first.metric_type())?;
    for (labels, metric) in &metrics {
        metric.encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

//! Rounds, in which everything that is compared has its turn, and the times that were measured in them.

use std::time::{Duration, Instant};

/// How many rounds there are, by default.
const ROUNDS: usize = 40;

/// How many rounds there are: `OPENCLAW_BENCH_ROUNDS`.
pub fn rounds() -> usize {
    let given = std::env::var("OPENCLAW_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(ROUNDS).max(1)
}

/// Whether there are fewer rounds than numbers need that are to be shown.
pub fn is_short() -> bool {
    rounds() < 30
}

/// How long something took, each time, in microseconds.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    pub fn add(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64() * 1e6);
    }

    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Does something a number of times.
    pub fn measure(&mut self, count: usize, mut run: impl FnMut()) {
        for _ in 0..count {
            let begun = Instant::now();
            run();
            self.add(begun.elapsed());
        }
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn p50(&self) -> f64 {
        self.quantile(0.5)
    }

    pub fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    /// The nearest rank.
    fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() as f64 * q).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

/// The middle of some values.
pub fn median(values: &[f64]) -> f64 {
    Times(values.to_vec()).p50()
}

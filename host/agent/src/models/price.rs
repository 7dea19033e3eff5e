//! What tokens cost.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::model::Usage;

/// The most dollars that are believed, of a cost or of a million tokens.
const MOST_DOLLARS: f64 = 1e6;
/// Millionths of a dollar in a dollar.
const MICROS: f64 = 1e6;
/// Parts of a millionth of a dollar that prices are counted in.
const PARTS: u128 = 1_000_000;

/// What a million tokens cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    /// Of a question.
    input: Rate,
    /// Of those of a question that the provider had seen before; as much as others, where nothing is said.
    #[serde(default)]
    cached: Option<Rate>,
    /// Of an answer.
    output: Rate,
}

/// What one token costs, in millionths of a millionth of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate(u64);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        if !(0.0..=MOST_DOLLARS).contains(&dollars) {
            let reason =
                format!("a price is from 0 to {MOST_DOLLARS} dollars per million tokens, not {dollars}");
            return Err(serde::de::Error::custom(reason));
        }
        Ok(Self(millionths(dollars)))
    }
}

/// The most that something may cost; never nothing. It is written in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(u64);

impl Dollars {
    /// In millionths of a dollar.
    #[must_use]
    pub fn micros(self) -> u64 {
        self.0
    }

    fn of(dollars: f64) -> Result<Self, String> {
        if !(1.0 / MICROS..=MOST_DOLLARS).contains(&dollars) {
            return Err(format!("a cost is from 0.000001 to {MOST_DOLLARS} dollars, not {dollars}"));
        }
        Ok(Self(millionths(dollars)))
    }
}

impl FromStr for Dollars {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let dollars = text.parse().map_err(|_| format!("{text} is no number of dollars"))?;
        Self::of(dollars)
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1e6 dollars")]
fn millionths(dollars: f64) -> u64 {
    (dollars * MICROS).round() as u64
}

impl Price {
    /// What so many tokens cost, in millionths of a dollar, a broken one counted as a whole.
    pub(super) fn of(&self, usage: Usage) -> u64 {
        let cached = usage.cached.min(usage.input);
        let parts = [
            (usage.input - cached, self.input),
            (cached, self.cached.unwrap_or(self.input)),
            (usage.output, self.output),
        ];
        // A rate is below 2^40: no sum reaches the end of a u128.
        let sum: u128 =
            parts.iter().map(|(tokens, Rate(rate))| u128::from(*tokens) * u128::from(*rate)).sum();
        u64::try_from(sum.div_ceil(PARTS)).unwrap_or(u64::MAX)
    }

    /// What a typical question costs, to compare models by: three of four tokens are the question's.
    pub(super) fn typical(&self) -> u64 {
        self.of(Usage { input: 750_000, cached: 0, output: 250_000 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(text: &str) -> Result<Price, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn tokens_are_charged_in_millionths_of_a_dollar_and_cached_ones_less() {
        let claude = price("{ input: 3.0, cached: 0.3, output: 15.0 }").unwrap();
        assert_eq!(claude.of(Usage { input: 1000, cached: 0, output: 100 }), 3000 + 1500);
        assert_eq!(claude.of(Usage { input: 1000, cached: 800, output: 100 }), 600 + 240 + 1500);
        assert_eq!(claude.of(Usage { input: 0, cached: 1, output: 0 }), 0, "no more is cached than asked");
        assert_eq!(
            claude.of(Usage { input: 1, cached: 1, output: 0 }),
            1,
            "what is broken counts as a whole"
        );
        let plain = price("{ input: 2, output: 0 }").unwrap();
        assert_eq!(plain.of(Usage { input: 10, cached: 10, output: 7 }), 20);
        assert_eq!(claude.typical(), 6_000_000);
    }

    #[test]
    fn a_price_below_zero_or_beyond_belief_is_refused() {
        for (text, named) in [
            ("{ input: -1, output: 1 }", "-1"),
            ("{ input: .nan, output: 1 }", "NaN"),
            ("{ input: .inf, output: 1 }", "inf"),
            ("{ input: 1000001, output: 1 }", "1000001"),
            ("{ input: 1 }", "output"),
            ("{ input: 1, output: 1, outptu: 1 }", "outptu"),
        ] {
            let error = price(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn more_tokens_never_cost_less(
            rates in any::<[u32; 3]>(),
            input in any::<u64>(), cached in any::<u64>(), output in any::<u64>(), more in any::<u64>(),
        ) {
            let [one, two, three] = rates.map(|rate| Rate(u64::from(rate)));
            let price = Price { input: one, cached: Some(two), output: three };
            let cost = |output| price.of(Usage { input, cached, output });
            prop_assert!(cost(output) <= cost(output.saturating_add(more)));
        }
    }
}

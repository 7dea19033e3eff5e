//! Asks the same twenty times over, whatever is answered.

use kit::{Input, Outcome, Value};

use crate::asked;

pub fn run(_: &Input) -> Outcome {
    (0..20).map(|_| asked("Are you sure?", &[])).collect::<Result<Vec<_>, _>>().map(Value::from)
}

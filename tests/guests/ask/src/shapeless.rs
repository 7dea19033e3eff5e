//! Asks what is no question: nothing, too much, and choices that are none.

use kit::{Input, Outcome, Value};

use crate::asked;

pub fn run(_: &Input) -> Outcome {
    let choices = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    let twice = vec!["yes".to_owned(); 2];
    let tries: [(String, Vec<String>); 8] = [
        (String::new(), Vec::new()),
        (" \n\t".to_owned(), Vec::new()),
        ("x".repeat((4 << 10) + 1), Vec::new()),
        ("x".repeat(4 << 20), Vec::new()),
        ("?".to_owned(), choices(17)),
        ("?".to_owned(), vec!["x".repeat(201)]),
        ("?".to_owned(), vec![String::new()]),
        ("?".to_owned(), twice),
    ];
    tries.iter().map(|(text, choices)| asked(text, choices)).collect::<Result<Vec<_>, _>>().map(Value::from)
}

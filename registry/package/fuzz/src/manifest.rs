//! The manifest: a refusal has its place, and what is accepted means the same written anew.

use std::collections::BTreeSet;
use std::fmt::Display;

use openclaw_package::manifest::{MAX_COMMAND_LEN, MAX_MANIFEST_SIZE, MAX_PATTERN_LEN};
use openclaw_package::{
    ArgumentPattern, CommandTrigger, CronTrigger, Manifest, ProcessRequest, Requests, SecretPlace, Trigger,
    VariablePattern,
};
use toml::Value;

use super::{permission, text, told};

/// A manifest is read to the last key, or refused with a place in its text.
pub fn manifest(data: &[u8]) {
    match Manifest::from_bytes(data) {
        Ok(manifest) => {
            assert!(data.len() <= MAX_MANIFEST_SIZE);
            assert!(manifest.version().build.is_empty());
            check(manifest.requests());
            manifest.triggers().iter().for_each(check_trigger);
            let again = written(&manifest);
            assert_eq!(Manifest::parse(&again).as_ref().ok(), Some(&manifest), "{again}");
        }
        Err(error) => {
            told(&error, error.code(), error.hint());
            let text = text(data).unwrap_or_default();
            assert!(text.get(error.span()).is_some(), "{:?} of {}", error.span(), text.len());
            assert!((1..=text.matches('\n').count() + 1).contains(&error.line()));
            assert!((1..=text.len() + 1).contains(&error.column()));
        }
    }
}

/// What no manifest can ask.
fn check(requests: &Requests) {
    permission::check(requests);
    let trees: BTreeSet<_> = requests.filesystem.iter().map(|request| &request.tree).collect();
    let urls: BTreeSet<_> = requests.network.iter().map(|request| &request.url).collect();
    assert_eq!((trees.len(), urls.len()), (requests.filesystem.len(), requests.network.len()));
    assert!(trees.len() <= 64 && urls.len() <= 64 && requests.process.len() <= 64);
    for request in &requests.secret {
        let origin = request.host.origin();
        assert!(requests.network.iter().any(|network| network.url.reaches(origin)), "{}", request.host);
    }
    let shapes = requests
        .process
        .iter()
        .flat_map(|request| request.shapes.iter().map(|shape| (request.program.as_str(), shape)));
    assert_eq!(shapes.clone().collect::<BTreeSet<_>>().len(), shapes.count());
}

/// The manifest that says the same.
fn written(manifest: &Manifest) -> String {
    let requests = manifest.requests();
    let mut text = format!(
        "[skill]\npublisher = {}\nname = {}\nversion = {}\n",
        quoted(manifest.id().publisher()),
        quoted(manifest.id().name()),
        quoted(manifest.version()),
    );
    text.extend(manifest.category().map(|category| format!("category = {}\n", quoted(category))));
    text.extend(requests.filesystem.iter().map(|request| {
        let (tree, access, reason) = (quoted(&request.tree), quoted(request.access), quoted(&request.reason));
        format!("[[permission.filesystem]]\ntree = {tree}\naccess = {access}\nreason = {reason}\n")
    }));
    text.extend(requests.network.iter().map(|request| {
        let (url, reason, internal) = (quoted(&request.url), quoted(&request.reason), request.internal);
        let methods = Value::Array(request.methods.iter().map(quoted).collect());
        format!(
            "[[permission.network]]\nurl = {url}\nmethods = {methods}\ninternal = {internal}\nreason = {reason}\n"
        )
    }));
    text.extend(requests.process.iter().map(process));
    text.extend(requests.memory.iter().map(|request| {
        let (quota, reason) = (quoted(request.quota), quoted(&request.reason));
        format!("[permission.memory]\nquota = {quota}\nreason = {reason}\n")
    }));
    text.extend(requests.llm.iter().map(|request| {
        format!("[permission.llm]\ntokens = {}\nreason = {}\n", request.tokens, quoted(&request.reason))
    }));
    text.extend(
        requests
            .ask
            .iter()
            .map(|request| format!("[permission.ask]\nreason = {}\n", quoted(&request.reason))),
    );
    text.extend(requests.secret.iter().map(|request| {
        let place = match &request.place {
            SecretPlace::Header { name, prefix } => {
                format!("header = {}\nprefix = {}", quoted(name), quoted(prefix))
            }
            SecretPlace::Query { name } => format!("query = {}", quoted(name)),
        };
        let (name, host, reason) = (quoted(&request.name), quoted(&request.host), quoted(&request.reason));
        format!("[[permission.secret]]\nname = {name}\nhost = {host}\n{place}\nreason = {reason}\n")
    }));
    text.extend(manifest.triggers().iter().map(trigger));
    text.push_str("[limits]\n");
    let limits = manifest.limits();
    text.extend(limits.fuel().map(|fuel| format!("fuel = {fuel}\n")));
    text.extend(limits.memory().map(|size| format!("memory = {}\n", quoted(size))));
    text.extend(limits.timeout().map(|time| format!("timeout = \"{}ms\"\n", time.as_millis())));
    text.extend(limits.output().map(|size| format!("output = {}\n", quoted(size))));
    text
}

/// A schedule comes true, and a pattern costs no more than it may.
fn check_trigger(trigger: &Trigger) {
    match trigger {
        Trigger::Cron(trigger) => {
            let next = trigger.schedule.next_after(1 << 30).expect("there is a next time");
            assert!(next > 1 << 30 && next % 60 == 0, "{}", trigger.schedule);
        }
        Trigger::Command(trigger) => {
            assert!(trigger.pattern.as_str().len() <= MAX_PATTERN_LEN);
            let _ = trigger.pattern.matches("git commit");
            assert!(!trigger.pattern.matches(&"x".repeat(MAX_COMMAND_LEN + 1)));
        }
    }
}

fn trigger(trigger: &Trigger) -> String {
    let tool = quoted(trigger.tool());
    match trigger {
        Trigger::Cron(CronTrigger { schedule, timezone, missed, overlap, .. }) => format!(
            "[[trigger]]\ntype = \"cron\"\nschedule = {}\ntimezone = {}\nmissed = \"{}\"\noverlap = \"{}\"\n\
             tool = {tool}\n",
            quoted(schedule),
            quoted(timezone),
            missed.as_str(),
            overlap.as_str()
        ),
        Trigger::Command(CommandTrigger { pattern, input, .. }) => {
            let input =
                input.as_ref().map(|input| format!("input = {}\n", quoted(input))).unwrap_or_default();
            let pattern = quoted(pattern);
            format!("[[trigger]]\ntype = \"command\"\npattern = {pattern}\n{input}tool = {tool}\n")
        }
    }
}

fn process(request: &ProcessRequest) -> String {
    let argument = |pattern: &ArgumentPattern| match pattern {
        ArgumentPattern::Literal(word) => quoted(word).to_string(),
        ArgumentPattern::Any { dash } => format!("{{ any = true{} }}", dashed(*dash)),
        ArgumentPattern::OneOf(members) => one_of(members),
        ArgumentPattern::Path(tree) => format!("{{ path = {} }}", quoted(tree)),
        ArgumentPattern::Integer { min, max } => format!("{{ integer = [{min}, {max}] }}"),
        ArgumentPattern::Rest { dash } => format!("{{ rest = true{} }}", dashed(*dash)),
    };
    let shapes: Vec<String> = request
        .shapes
        .iter()
        .map(|shape| format!("[{}]", shape.patterns().iter().map(argument).collect::<Vec<_>>().join(", ")))
        .collect();
    let variable = |pattern: &VariablePattern| match pattern {
        VariablePattern::Literal(value) => quoted(value).to_string(),
        VariablePattern::Any => "{ any = true }".to_owned(),
        VariablePattern::OneOf(members) => one_of(members),
        VariablePattern::Integer { min, max } => format!("{{ integer = [{min}, {max}] }}"),
    };
    let variables: Vec<String> =
        request.environment.iter().map(|(name, pattern)| format!("{name} = {}", variable(pattern))).collect();
    format!(
        "[[permission.process]]\nprogram = {}\nargs = [{}]\nenv = {{ {} }}\nhelpers = {}\naccess = {}\nreason = {}\n",
        quoted(&request.program),
        shapes.join(", "),
        variables.join(", "),
        Value::Array(request.helpers.iter().map(quoted).collect()),
        quoted(request.access),
        quoted(&request.reason),
    )
}

fn dashed(dash: bool) -> &'static str {
    if dash { ", dash = true" } else { "" }
}

fn one_of(members: &[String]) -> String {
    format!("{{ one_of = {} }}", Value::Array(members.iter().map(quoted).collect()))
}

fn quoted(value: impl Display) -> Value {
    Value::String(value.to_string())
}

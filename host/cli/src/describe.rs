//! Permissions and limits in words.

use openclaw_package::{
    Access, ArgumentPattern, FilesystemRequest, HostPattern, LlmRequest, MemoryRequest, Method,
    NetworkRequest, ProcessRequest, Requests, Scheme, Tree, VariablePattern,
};
use openclaw_runtime::sandbox::{Cut, Limits};

use crate::json::CallLimits;
use crate::output::{dim, warning};
use crate::text::one_line;

/// One thing that a manifest asks for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The kind.
    pub(crate) permission: &'static str,
    /// Of what, as the manifest and the command line write it.
    pub(crate) scope: String,
    /// The same in words.
    pub(crate) words: String,
    /// What it is used for, in the author's words.
    pub(crate) reason: String,
    /// A manifest's requests that are this one alone.
    pub(crate) alone: Requests,
}

/// All that a manifest asks for, one by one.
pub(crate) fn requests(requests: &Requests) -> Vec<Request> {
    let filesystem = requests.filesystem.iter().map(filesystem);
    let network = requests.network.iter().map(network);
    let process = requests.process.iter().flat_map(process);
    let memory = requests.memory.iter().map(memory);
    let llm = requests.llm.iter().map(llm);
    filesystem.chain(network).chain(process).chain(memory).chain(llm).collect()
}

fn filesystem(request: &FilesystemRequest) -> Request {
    let place = place(&request.tree);
    let words = match request.access {
        Access::Read => format!("read files in {place}"),
        Access::Write => format!("read, change and delete files in {place}"),
    };
    Request {
        permission: request.kind().as_str(),
        scope: request.tree.to_string(),
        words,
        reason: one_line(request.reason.as_str()),
        alone: Requests { filesystem: vec![request.clone()], ..Requests::default() },
    }
}

fn network(request: &NetworkRequest) -> Request {
    let at = if request.internal { ", also where that is this machine or its network" } else { "" };
    let methods = request.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    Request {
        permission: request.kind().as_str(),
        scope: format!("{} {}", request.methods, request.url),
        words: format!("send {methods} requests to {}{at}", request.url),
        reason: one_line(request.reason.as_str()),
        alone: Requests { network: vec![request.clone()], ..Requests::default() },
    }
}

/// A request for each shape, since each is granted by itself.
fn process(request: &ProcessRequest) -> impl Iterator<Item = Request> {
    request.shapes.iter().map(|shape| {
        let scope = format!("{} {shape}", request.program).trim_end().to_owned();
        Request {
            permission: request.kind().as_str(),
            words: format!("run {scope}"),
            scope,
            reason: one_line(request.reason.as_str()),
            alone: Requests {
                process: vec![ProcessRequest { shapes: vec![shape.clone()], ..request.clone() }],
                ..Requests::default()
            },
        }
    })
}

/// What each program that is asked for would be able to touch, in words.
pub(crate) fn programs(requests: &Requests) -> Vec<String> {
    requests.process.iter().map(|request| program(request, requests)).collect()
}

fn program(request: &ProcessRequest, requests: &Requests) -> String {
    let places = |access: Access| {
        let trees = requests.filesystem.iter().filter(|tree| tree.access.min(request.access) == access);
        let trees: Vec<_> = trees.map(|tree| place(&tree.tree)).collect();
        (!trees.is_empty()).then(|| trees.join(", "))
    };
    let mut can = Vec::new();
    can.extend(places(Access::Write).map(|trees| format!("read, change and delete files in {trees}")));
    can.extend(places(Access::Read).map(|trees| format!("read files in {trees}")));
    if can.is_empty() {
        can.push("use no files but temporary ones".to_owned());
    }
    if !request.helpers.is_empty() {
        let helpers = request.helpers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        can.push(format!("start {helpers} under the same limits"));
    }
    let told =
        request.environment.iter().filter(|(_, pattern)| !matches!(pattern, VariablePattern::Literal(_)));
    let told: Vec<_> = told.map(|(name, _)| name.to_string()).collect();
    if !told.is_empty() {
        can.push(format!("be told {} by the skill", told.join(", ")));
    }
    format!("{} can {}", request.program, can.join("; "))
}

fn place(tree: &Tree) -> String {
    match tree {
        Tree::Workspace => "the workspace".to_owned(),
        Tree::Data => "a directory of its own".to_owned(),
        Tree::Path(path) => path.to_string(),
    }
}

/// What holds for every program.
pub(crate) const PROGRAMS_CANNOT: &str = "programs have no network, see nothing else of this machine but libraries \
    and shared data, cannot change control files such as .git/config, and end with the call";

fn memory(request: &MemoryRequest) -> Request {
    Request {
        permission: request.kind().as_str(),
        scope: String::new(),
        words: format!("remember up to {} between calls", bytes(request.quota.as_u64())),
        reason: one_line(request.reason.as_str()),
        alone: Requests { memory: Some(request.clone()), ..Requests::default() },
    }
}

fn llm(request: &LlmRequest) -> Request {
    Request {
        permission: request.kind().as_str(),
        scope: String::new(),
        words: format!(
            "ask your language model, for up to {} tokens a call: what it reads may leave this machine with that",
            grouped(request.tokens)
        ),
        reason: one_line(request.reason.as_str()),
        alone: Requests { llm: Some(request.clone()), ..Requests::default() },
    }
}

impl Request {
    /// Whether the workspace is what is asked for.
    pub(crate) fn is_workspace(&self) -> bool {
        self.alone.filesystem.iter().any(|request| request.tree == Tree::Workspace)
    }

    /// A line for people: the words, and the reason.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.words, dim(format_args!("- {}", self.reason)))
    }
}

/// What in a manifest deserves a second look.
pub(crate) fn warnings(requests: &Requests) -> Vec<String> {
    let mut warnings = Vec::new();
    for request in &requests.filesystem {
        match (&request.tree, request.access) {
            (Tree::Workspace, Access::Write) => {
                warnings.push("it can change and delete every file in the workspace".to_owned());
            }
            (Tree::Path(path), Access::Write) => {
                warnings.push(format!("it names a directory of this machine and can change it: {path}"));
            }
            (Tree::Path(path), Access::Read) => {
                warnings.push(format!("it names a directory of this machine: {path}"));
            }
            _ => {}
        }
    }
    for request in &requests.network {
        if request.internal {
            warnings.push(format!("it can reach this machine or its network: {}", request.url));
        }
        if matches!(request.url.host(), HostPattern::Suffix(_)) {
            warnings.push(format!("it can reach every host that matches {}", request.url));
        }
        if request.url.scheme() == Scheme::Http && !request.internal {
            warnings.push(format!("what it sends and receives can be read on the way: {}", request.url));
        }
    }
    for warning in requests.process.iter().flat_map(|request| process_warnings(request, requests)) {
        // Several entries of one program deserve one look.
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    let reads = requests.filesystem.iter().any(|request| request.tree != Tree::Data);
    if reads && !requests.network.is_empty() {
        warnings.push(
            "it can read your files and reach the network, and so send the one over the other".to_owned(),
        );
    }
    if reads && requests.llm.is_some() {
        warnings.push(
            "it can read your files and ask your language model, and so send the one to whoever serves the other"
                .to_owned(),
        );
    }
    warnings
}

/// Programs that execute what their arguments or input say.
const INTERPRETERS: &[&str] = &[
    "awk", "bash", "bun", "busybox", "dash", "deno", "ed", "emacs", "env", "ex", "fish", "gawk", "gdb",
    "guile", "ksh", "lua", "make", "mawk", "nawk", "node", "nodejs", "perl", "php", "python", "python2",
    "python3", "ruby", "sed", "sh", "sqlite3", "tclsh", "vi", "view", "vim", "xargs", "zsh",
];

/// Programs that obey files which they find where they work.
const OBEDIENT: &[&str] = &[
    "bundle", "cargo", "composer", "git", "gradle", "hg", "just", "make", "mvn", "npm", "npx", "pip", "pnpm",
    "svn", "uv", "yarn",
];

/// What is dangerous only together, or more than it looks.
fn process_warnings(request: &ProcessRequest, requests: &Requests) -> Vec<String> {
    let mut warnings = Vec::new();
    let name = request.program.as_str().rsplit('/').next().unwrap_or_default();
    let is_free = |pattern: &ArgumentPattern| {
        matches!(
            pattern,
            ArgumentPattern::Any { .. } | ArgumentPattern::Rest { .. } | ArgumentPattern::Path(_)
        )
    };
    let free = request.shapes.iter().any(|shape| shape.patterns().iter().any(is_free));
    let writes = requests.filesystem.iter().find(|tree| tree.access == Access::Write);
    if INTERPRETERS.contains(&name) && free {
        warnings.push(format!(
            "{name} executes what its arguments say, so that this grants it all that is left to a program"
        ));
    }
    if let (true, Some(tree)) = (OBEDIENT.contains(&name), writes) {
        warnings.push(format!(
            "dangerous together: it can change {} and run {name} there, which obeys files that it finds. What \
             {name} may then start is nothing but its helpers, and control files are kept from both",
            place(&tree.tree)
        ));
    }
    if let Some(shell) = request.helpers.iter().find(|helper| {
        let helper = helper.to_string();
        INTERPRETERS.contains(&helper.rsplit('/').next().unwrap_or_default())
    }) {
        warnings.push(format!(
            "{name} may start {shell}, and so whatever a file tells it to, within the same limits"
        ));
    }
    let dash = |pattern: &ArgumentPattern| {
        matches!(pattern, ArgumentPattern::Any { dash: true } | ArgumentPattern::Rest { dash: true })
    };
    if request.shapes.iter().any(|shape| shape.patterns().iter().any(dash)) {
        warnings.push(format!("{name} may be given any option"));
    }
    warnings
}

impl From<&Limits> for CallLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes,
            timeout_ms: u64::try_from(limits.timeout.as_millis()).unwrap_or(u64::MAX),
            output_bytes: limits.output_bytes,
        }
    }
}

/// The limits of a call, in one line.
pub(crate) fn limits(limits: &CallLimits) -> String {
    format!(
        "{} fuel, {} memory, {}, {} result",
        grouped(limits.fuel),
        bytes(limits.memory_bytes),
        micros(limits.timeout_ms.saturating_mul(1_000)),
        bytes(limits.output_bytes)
    )
}

/// What the operator's ceilings cut, a line each.
pub(crate) fn cuts(cuts: &[Cut]) -> Vec<String> {
    let line = |cut: &Cut| {
        format!(
            "{} it asks for {} {} and gets {}, your ceiling",
            warning("!"),
            cut.asked,
            cut.limit,
            cut.granted
        )
    };
    cuts.iter().map(line).collect()
}

/// A size that a person can compare.
pub(crate) fn bytes(bytes: u64) -> String {
    const STEPS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match STEPS.into_iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) if !bytes.is_multiple_of(size) => {
            let tenths = bytes.saturating_mul(10) / size;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        Some((unit, size)) => format!("{} {unit}", bytes / size),
        None => format!("{bytes} B"),
    }
}

/// A time that a person can compare.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ if micros.is_multiple_of(1_000_000) => format!("{} s", micros / 1_000_000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(url: &str, internal: bool) -> Requests {
        let request = NetworkRequest::new(
            url.parse().unwrap(),
            "GET".parse().unwrap(),
            internal,
            "reads\u{e9}".parse().unwrap(),
        );
        Requests { network: vec![request.unwrap()], ..Requests::default() }
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(grouped(12), "12");
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes(1_600), "1.5 KiB");
        assert_eq!(micros(1_250), "1.2 ms");
    }

    #[test]
    fn what_is_wide_or_internal_is_pointed_out() {
        assert!(warnings(&requested("https://api.example.com/", false)).is_empty());
        assert!(warnings(&requested("https://*.example.com/", false))[0].contains("every host"));
        assert!(warnings(&requested("http://127.0.0.1:8080/", true))[0].contains("this machine"));
    }

    #[test]
    fn a_request_is_told_in_words() {
        let [request] = requests(&requested("https://api.example.com/v1", false)).try_into().unwrap();
        assert_eq!(request.words, "send GET requests to https://api.example.com/v1");
        assert_eq!(request.scope, "GET https://api.example.com/v1");
    }
}

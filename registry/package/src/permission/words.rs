//! What a manifest asks for, in words that its owner reads before consenting.

use super::{
    Access, AskRequest, FilesystemRequest, LlmRequest, MemoryRequest, Method, NetworkRequest, ProcessRequest,
    Requests, SecretRequest, Tree, VariablePattern,
};

/// One thing that a manifest asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The kind.
    pub permission: &'static str,
    /// Of what, as the manifest and the command line write it.
    pub scope: String,
    /// The same in words.
    pub words: String,
    /// What it is used for, in the author's words.
    pub reason: String,
    /// A manifest's requests that are this one alone.
    pub alone: Requests,
}

/// All that a manifest asks for, one by one.
pub fn requests(requests: &Requests) -> Vec<Request> {
    let filesystem = requests.filesystem.iter().map(filesystem);
    let network = requests.network.iter().map(network);
    let process = requests.process.iter().flat_map(process);
    let memory = requests.memory.iter().map(memory);
    let llm = requests.llm.iter().map(llm);
    let ask = requests.ask.iter().map(ask);
    let secret = requests.secret.iter().map(secret);
    filesystem.chain(network).chain(process).chain(memory).chain(llm).chain(ask).chain(secret).collect()
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
        reason: request.reason.to_string(),
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
        reason: request.reason.to_string(),
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
            reason: request.reason.to_string(),
            alone: Requests {
                process: vec![ProcessRequest { shapes: vec![shape.clone()], ..request.clone() }],
                ..Requests::default()
            },
        }
    })
}

/// What each program that is asked for would be able to touch, in words.
pub fn programs(requests: &Requests) -> Vec<String> {
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

pub(super) fn place(tree: &Tree) -> String {
    match tree {
        Tree::Workspace => "the workspace".to_owned(),
        Tree::Data => "a directory of its own".to_owned(),
        Tree::Path(path) => path.to_string(),
    }
}

/// What holds for every program.
pub const PROGRAMS_CANNOT: &str = "programs have no network, see nothing else of this machine but libraries \
    and shared data, cannot change control files such as .git/config, and end with the call";

fn memory(request: &MemoryRequest) -> Request {
    Request {
        permission: request.kind().as_str(),
        scope: String::new(),
        words: format!("remember up to {} between calls", readable_bytes(request.quota.as_u64())),
        reason: request.reason.to_string(),
        alone: Requests { memory: Some(request.clone()), ..Requests::default() },
    }
}

fn llm(request: &LlmRequest) -> Request {
    Request {
        permission: request.kind().as_str(),
        scope: String::new(),
        words: format!(
            "ask your language model, for up to {} tokens a call: what it reads may leave this machine with that",
            readable_number(request.tokens)
        ),
        reason: request.reason.to_string(),
        alone: Requests { llm: Some(request.clone()), ..Requests::default() },
    }
}

fn ask(request: &AskRequest) -> Request {
    Request {
        permission: request.kind().as_str(),
        scope: String::new(),
        words: "put questions to you while it works, and read what you answer".to_owned(),
        reason: request.reason.to_string(),
        alone: Requests { ask: Some(request.clone()), ..Requests::default() },
    }
}

impl Request {
    /// Whether the workspace is what is asked for.
    pub fn is_workspace(&self) -> bool {
        self.alone.filesystem.iter().any(|request| request.tree == Tree::Workspace)
    }
}

fn secret(request: &SecretRequest) -> Request {
    let SecretRequest { name, host, place, .. } = request;
    Request {
        permission: request.kind().as_str(),
        scope: format!("{name} {host}"),
        words: format!(
            "have your secret {name} put into its requests to {host} ({place}), without seeing it"
        ),
        reason: request.reason.to_string(),
        alone: Requests { secret: vec![request.clone()], ..Requests::default() },
    }
}

/// A size that a person can compare.
pub fn readable_bytes(bytes: u64) -> String {
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

/// A number with its thousands apart.
pub fn readable_number(number: u64) -> String {
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

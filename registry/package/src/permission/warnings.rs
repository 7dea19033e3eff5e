//! What in a manifest deserves a second look.

use super::words::place;
use super::{Access, ArgumentPattern, HostPattern, ProcessRequest, Requests, Scheme, SecretPlace, Tree};

/// What in a manifest deserves a second look.
pub fn warnings(requests: &Requests) -> Vec<String> {
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
    for request in &requests.secret {
        if let SecretPlace::Query { .. } = &request.place {
            warnings.push(format!(
                "your secret {} goes into URLs, which {} may write into its logs",
                request.name, request.host
            ));
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

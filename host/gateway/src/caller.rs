//! Who calls: a name for the records, the tools that they may see and call, and their workspace.

use openclaw_runtime::workspace::Workspace;

pub use openclaw_agent::scope::{Scope, ToolPattern, ToolPatternError};

/// Somebody who was authenticated, or the process that started this one.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As records name them: `mcp`, or the name of a token.
    pub name: String,
    /// What they may see and call.
    pub scope: Scope,
    /// What `$workspace` stands for in their calls.
    pub workspace: Option<Workspace>,
    /// Whether the person behind them may consent to grants.
    pub may_grant: bool,
}

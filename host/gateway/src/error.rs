//! What a remote caller is told of a failed call: a stable code, the fact and the next step, and nothing of this machine.

use openclaw_runtime::CallError;
use openclaw_runtime::sandbox::Fault;
use serde::Serialize;

/// An error as remote callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PublicError {
    /// The stable code.
    pub code: String,
    /// The fact, without paths or anything else of the host's inside.
    pub message: String,
    /// What to do next, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&CallError> for PublicError {
    fn from(error: &CallError) -> Self {
        let (message, hint) = match error {
            // What these say names files of the owner's, or the inside of the host.
            CallError::Refused { skill, .. } => (
                format!("{skill} is installed and not loaded"),
                Some("its owner sees why with: openclaw tool list".to_owned()),
            ),
            CallError::Open(_) => (
                "a directory that was granted to the skill cannot be opened".to_owned(),
                Some("its owner sees which in the gateway's log".to_owned()),
            ),
            CallError::Audit(_) => ("calls cannot be recorded now, and so are not made".to_owned(), None),
            CallError::Fault(fault) if fault.is_of_the_host() => {
                ("the host failed, not the tool".to_owned(), None)
            }
            // A panic names files of the machine that the skill was built on.
            CallError::Fault(Fault::Trap(_)) => (
                "the skill crashed".to_owned(),
                Some(
                    "it is a fault of the skill's: its owner sees more with openclaw tool call --logs"
                        .to_owned(),
                ),
            ),
            error => (error.to_string(), error.hint()),
        };
        Self { code: error.code().to_owned(), message, hint }
    }
}

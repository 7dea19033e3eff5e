//! Requests for programs of the host.

mod environment;
mod pattern;
mod program;
mod shape;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use environment::{Environment, MAX_VARIABLES, VariableName, VariablePattern};
pub use pattern::{ArgumentPattern, MAX_ARGUMENT_SIZE, MAX_LITERAL_SIZE, MAX_MEMBERS};
pub use program::{Helper, Program};
pub use shape::{MAX_ARGUMENTS, MAX_ARGUMENTS_SIZE, MAX_PATTERNS, Shape, shell_word};

use super::{Access, PermissionError, PermissionKind, Reason};
use crate::text::quoted;

/// The most shapes of arguments in one request.
pub const MAX_SHAPES: usize = 128;

/// The most helpers in one request.
pub const MAX_HELPERS: usize = 32;

/// `[[permission.process]]`: one program, with arguments of one of some shapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct ProcessRequest {
    /// Which program.
    pub program: Program,
    /// What the arguments after the program may be, at least one shape.
    #[serde(rename = "args")]
    pub shapes: Vec<Shape>,
    /// Which variables it may be given.
    #[serde(rename = "env")]
    pub environment: Environment,
    /// Which other programs it may start.
    pub helpers: Vec<Helper>,
    /// Whether it may write in the trees in which the skill may.
    pub access: Access,
    /// What it is used for.
    pub reason: Reason,
}

impl ProcessRequest {
    /// A request.
    ///
    /// # Errors
    ///
    /// [`PermissionError::Argument`] when there is no shape, more than [`MAX_SHAPES`] or one twice, and
    /// [`PermissionError::Helper`] when there are more than [`MAX_HELPERS`] helpers or one twice.
    pub fn new(
        program: Program,
        shapes: Vec<Shape>,
        environment: Environment,
        helpers: Vec<Helper>,
        access: Access,
        reason: Reason,
    ) -> Result<Self, PermissionError> {
        check_shapes(&shapes)?;
        check_helpers(&helpers)?;
        Ok(Self { program, shapes, environment, helpers, access, reason })
    }

    /// The kind of permission that is asked.
    pub fn kind(&self) -> PermissionKind {
        PermissionKind::ProcessExecute
    }

    /// Whether this asks at least what `other` asks, of the same program.
    ///
    /// Each shape of `other` must be covered by a single shape of this.
    pub fn covers(&self, other: &ProcessRequest) -> bool {
        self.program == other.program
            && other.shapes.iter().all(|theirs| self.shapes.iter().any(|mine| mine.covers(theirs)))
            && self.environment.covers(&other.environment)
            && other.helpers.iter().all(|helper| self.helpers.contains(helper))
            && self.access.covers(other.access)
    }
}

fn check_shapes(shapes: &[Shape]) -> Result<(), PermissionError> {
    let refuse =
        |shape: &str, problem, hint| Err(PermissionError::Argument { pattern: quoted(shape), problem, hint });
    if shapes.is_empty() {
        let hint = "write a list for each way in which it is started, [[]] where it has no arguments";
        return refuse("", "the list of shapes is empty", hint);
    }
    let mut seen = BTreeSet::new();
    for shape in shapes {
        if seen.len() == MAX_SHAPES {
            return refuse(&shape.to_string(), "it is one shape too many, after 128", "ask for less");
        }
        if !seen.insert(shape) {
            return refuse(&shape.to_string(), "the shape stands there twice", "write it once");
        }
    }
    Ok(())
}

fn check_helpers(helpers: &[Helper]) -> Result<(), PermissionError> {
    let mut seen = BTreeSet::new();
    for helper in helpers {
        let refuse = |problem| Err(PermissionError::Helper { helper: quoted(&helper.to_string()), problem });
        if seen.len() == MAX_HELPERS {
            return refuse("it is one helper too many");
        }
        if !seen.insert(helper) {
            return refuse("it stands there twice");
        }
    }
    Ok(())
}

/// A request as it is stored, before its parts are held against each other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    program: Program,
    args: Vec<Shape>,
    #[serde(default)]
    env: Environment,
    #[serde(default)]
    helpers: Vec<Helper>,
    #[serde(default = "as_the_skill")]
    access: Access,
    reason: Reason,
}

fn as_the_skill() -> Access {
    Access::Write
}

impl TryFrom<Written> for ProcessRequest {
    type Error = PermissionError;

    fn try_from(written: Written) -> Result<Self, PermissionError> {
        let Written { program, args, env, helpers, access, reason } = written;
        Self::new(program, args, env, helpers, access, reason)
    }
}

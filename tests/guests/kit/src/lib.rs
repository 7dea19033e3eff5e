//! What the guests share: the input of a behaviour, its outcome, and the exports of a skill around a table of them.

pub use serde_json::{Value, json};

/// What a behaviour came to.
pub type Outcome = Result<Value, Failure>;

/// Why a behaviour gave no result, as the contract's `tool-error` has it.
#[derive(Debug)]
pub enum Failure {
    /// The input means nothing to the behaviour.
    InvalidInput(String),
    /// The host refused it something.
    Denied(String),
    /// It tried and failed.
    Failed(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        match error.kind() {
            PermissionDenied | ReadOnlyFilesystem => Self::Denied(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Puts what was tried before the words of an error.
pub fn at(what: &str, error: std::io::Error) -> Failure {
    match Failure::from(error) {
        Failure::Denied(text) => Failure::Denied(format!("{what}: {text}")),
        Failure::Failed(text) => Failure::Failed(format!("{what}: {text}")),
        other => other,
    }
}

/// The input of a behaviour: a JSON object.
pub struct Input(Value);

impl Input {
    /// Reads JSON text.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        serde_json::from_str(text).map(Self).map_err(|error| Failure::InvalidInput(error.to_string()))
    }

    /// A text that has to be there.
    pub fn text(&self, key: &str) -> Result<&str, Failure> {
        self.0[key].as_str().ok_or_else(|| Failure::InvalidInput(format!("`{key}` is missing")))
    }

    /// A text that may be missing.
    pub fn text_or<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.0[key].as_str().unwrap_or(default)
    }

    /// A number that may be missing.
    pub fn number_or(&self, key: &str, default: u64) -> u64 {
        self.0[key].as_u64().unwrap_or(default)
    }

    /// A flag; missing is false.
    pub fn flag(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or(false)
    }

    /// Any value.
    pub fn value(&self, key: &str) -> &Value {
        &self.0[key]
    }
}

/// A tool: its name in kebab-case, and what it does.
pub type Behaviour = (&'static str, fn(&Input) -> Outcome);

/// Finds a behaviour by a tool's name and runs it.
pub fn run(behaviours: &[Behaviour], name: &str, input: &str) -> Option<Result<String, Failure>> {
    let (_, run) = behaviours.iter().find(|(known, _)| kebab(known) == name)?;
    Some(Input::parse(input).and_then(|input| run(&input)).map(|value| value.to_string()))
}

/// The name of a tool, out of the name of its file.
pub fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

/// Exports a skill whose tools are the named modules, each with a function `run`.
///
/// The crate has called `wit_bindgen::generate!` for a world that includes `openclaw:skill/skill`.
#[macro_export]
macro_rules! guest {
    ($($module:ident),+ $(,)?) => {
        const BEHAVIOURS: &[$crate::Behaviour] = &[$((stringify!($module), $module::run)),+];

        struct Skill;

        impl exports::openclaw::skill::tools::Guest for Skill {
            fn list() -> Vec<exports::openclaw::skill::tools::Tool> {
                let tool = |(name, _): &$crate::Behaviour| exports::openclaw::skill::tools::Tool {
                    name: $crate::kebab(name),
                    description: format!("Tries {name}."),
                    input_schema: r#"{"type":"object"}"#.to_owned(),
                    output_schema: None,
                };
                BEHAVIOURS.iter().map(tool).collect()
            }

            fn call(name: String, input: String) -> Result<String, exports::openclaw::skill::tools::ToolError> {
                use exports::openclaw::skill::tools::ToolError;
                match $crate::run(BEHAVIOURS, &name, &input) {
                    None => Err(ToolError::UnknownTool),
                    Some(Ok(text)) => Ok(text),
                    Some(Err($crate::Failure::InvalidInput(text))) => Err(ToolError::InvalidInput(text)),
                    Some(Err($crate::Failure::Denied(text))) => Err(ToolError::Denied(text)),
                    Some(Err($crate::Failure::Failed(text))) => Err(ToolError::Failed(text)),
                }
            }
        }

        export!(Skill);
    };
}

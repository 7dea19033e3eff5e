//! What the code that `#[skill]` generates stands on; no part of the public interface.

use serde::Deserialize;

use crate::{Context, Error, Input, Output, Result, Tool};

/// A tool, as the macro makes it of a function.
pub trait ToolFunction {
    /// What it takes.
    type Input: Input;
    /// What it returns.
    type Output: Output;
    /// Its name in kebab-case.
    const NAME: &'static str;
    /// Its doc comment.
    const DESCRIPTION: &'static str;

    /// Calls the author's function.
    fn run(ctx: &Context, input: Self::Input) -> Result<Self::Output>;
}

/// The input of a tool that takes none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoInput {}

impl schemars::JsonSchema for NoInput {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NoInput".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "object", "properties": {}, "additionalProperties": false })
    }
}

/// Describes a tool.
pub fn describe<F: ToolFunction>() -> Result<Tool> {
    Ok(Tool {
        name: F::NAME.to_owned(),
        description: F::DESCRIPTION.to_owned(),
        input_schema: F::Input::schema(F::NAME)?,
        output_schema: F::Output::schema(),
    })
}

/// Calls a tool with JSON.
pub fn call<F: ToolFunction>(ctx: &Context, input: &str) -> Result<String> {
    F::run(ctx, F::Input::from_json(input)?)?.to_json()
}

/// Gives a function's error the SDK's type, whatever it returns.
pub fn result<T, E: ToolError>(result: std::result::Result<T, E>) -> Result<T> {
    result.map_err(ToolError::into_error)
}

/// What a tool's function can fail with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a tool",
    label = "not an error",
    note = "return `openclaw_skill::Result<T>`, or an error that implements `std::error::Error`"
)]
pub trait ToolError {
    /// The SDK's error.
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> ToolError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}

#[cfg(target_family = "wasm")]
pub use component::*;

/// The parts that only a component has.
#[cfg(target_family = "wasm")]
mod component {
    use std::sync::Once;

    use super::{Context, Error, Result, Tool};
    use crate::Skill;
    use crate::context::Host;
    use crate::host;
    use crate::log::Level;

    /// Makes the context of a call.
    pub fn context(
        log: &'static dyn host::Log,
        memory: Option<&'static dyn host::Memory>,
        process: Option<&'static dyn host::Process>,
        llm: Option<&'static dyn host::Llm>,
        ask: Option<&'static dyn host::Ask>,
    ) -> Context {
        Context::of_host(Host { log, memory, process, llm, ask })
    }

    /// Answers the host's `list`, whose type has no room for an error.
    #[expect(clippy::panic, reason = "the hook logs the message and packing the skill fails with it")]
    pub fn list<S: Skill>(log: &'static dyn host::Log) -> Vec<Tool> {
        log_panics(log);
        S::tools().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Answers the host's `call`.
    pub fn answer<S: Skill>(
        log: &'static dyn host::Log,
        memory: Option<&'static dyn host::Memory>,
        process: Option<&'static dyn host::Process>,
        llm: Option<&'static dyn host::Llm>,
        ask: Option<&'static dyn host::Ask>,
        name: &str,
        input: &str,
    ) -> Result<String, Error> {
        log_panics(log);
        S::call(&context(log, memory, process, llm, ask), name, input)
    }

    /// A panic ends in a trap, which says nothing, so its message goes to the log first.
    fn log_panics(log: &'static dyn host::Log) {
        static SET: Once = Once::new();
        SET.call_once(|| {
            std::panic::set_hook(Box::new(move |panic| log.write(Level::Error, &panic.to_string())));
        });
    }
}

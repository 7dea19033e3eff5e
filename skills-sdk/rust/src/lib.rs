//! Write an OpenClaw skill in Rust: annotate an impl block, get a sandboxed component.
//!
//! A skill is a type whose public functions are tools. Doc comments become descriptions, the
//! input type becomes the JSON Schema, and `openclaw/skill.toml` says what the skill may use.
//!
//! ```ignore
//! use openclaw_skill::{Context, Result, input, output, skill};
//!
//! /// Whom to greet.
//! #[input]
//! pub struct Greeting {
//!     /// The person's name.
//!     name: String,
//! }
//!
//! #[output]
//! pub struct Greeted {
//!     text: String,
//! }
//!
//! pub struct Hello;
//!
//! #[skill]
//! impl Hello {
//!     /// Greet somebody by name.
//!     pub fn greet(ctx: &Context, input: Greeting) -> Result<Greeted> {
//!         ctx.log().info("greeting");
//!         Ok(Greeted { text: format!("Hello, {}!", input.name) })
//!     }
//! }
//!
//! #[cfg(test)]
//! mod tests {
//!     use super::*;
//!
//!     #[test]
//!     fn greets() {
//!         let greeted = Hello::greet(&Context::fake(), Greeting { name: "Ada".into() });
//!         assert_eq!(greeted.unwrap().text, "Hello, Ada!");
//!     }
//! }
//! ```
//!
//! # Tools
//!
//! Every `pub fn` of the annotated block is a tool: an associated function that takes
//! `(ctx: &Context, input: T)`, either of the two, or nothing, and returns [`Result`]. Other
//! functions are helpers. `smart_commit` is called `smart-commit`.
//!
//! # Permissions
//!
//! What the manifest declares exists; the rest does not compile. `[permission.memory]` brings
//! `ctx.memory()`, `[permission.llm]` brings `ctx.llm()`, `[permission.ask]` brings `ctx.ask()`, a
//! `[[permission.process]]` brings `ctx.process()`, a `[[permission.filesystem]]` of `$data` or `$workspace` brings `ctx.data_dir()` or
//! `ctx.workspace()`, in the module of the annotated block. Helpers in other modules take a
//! [`memory::Store`], a [`process::Process`] or a path as an argument, or import the trait from
//! [`permission`].
//!
//! # Building
//!
//! `openclaw skill build` compiles the library for `wasm32-wasip2`. By hand it is
//!
//! ```text
//! cargo rustc --lib --crate-type cdylib --release --target wasm32-wasip2 -- \
//!     -C link-arg=-zstack-size=262144 -C link-arg=--initial-memory=1048576
//! ```
//!
//! A stack of 256 KiB, below the data and a heap that need not grow, keeps a call fast: the host
//! prepares a fresh memory for each.
//!
//! # Tests
//!
//! A native build has no host, so a [`Context`] is made by [`Context::fake`] or [`FakeContext`],
//! and `<Hello as Skill>::call` calls a tool by name with JSON, as the host does.

pub mod ask;
mod context;
mod error;
#[cfg(not(target_family = "wasm"))]
mod fake;
pub mod host;
pub mod llm;
pub mod log;
pub mod memory;
pub mod permission;
pub mod process;
mod schema;
mod tool;

#[doc(hidden)]
pub mod __private;

pub use context::Context;
pub use error::{Error, ErrorContext, ErrorKind, Result};
#[cfg(not(target_family = "wasm"))]
pub use fake::{FakeCommand, FakeContext, FakeOutput};
pub use openclaw_skill_macros::{input, output, skill};
pub use schemars::{self, JsonSchema};
pub use serde::{self, Deserialize, Serialize};
pub use serde_json as json;
pub use tool::{Input, Output, Skill, Tool};

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use wit_bindgen;

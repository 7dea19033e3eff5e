//! The attributes of `openclaw-skill`, which re-exports and documents them.

mod component;
mod data;
mod manifest;
mod skill;
mod tool;
mod world;

use proc_macro::TokenStream;

/// Makes the public functions of an inherent impl block the tools of a skill.
///
/// It reads `openclaw/skill.toml` beside the crate's `Cargo.toml`, implements `Skill` for the
/// type and, in a WebAssembly build, exports the tools to the host. One block in a crate is the
/// skill. `#[skill(manifest = "path")]` names another manifest, relative to the source file.
///
/// A tool is a `pub fn` without a receiver and without type parameters, with a doc comment. It
/// takes `&Context`, an input, both in this order, or nothing, and returns `Result`.
#[proc_macro_attribute]
pub fn skill(arguments: TokenStream, item: TokenStream) -> TokenStream {
    skill::expand(arguments.into(), item.into()).into()
}

/// Makes a struct or an enum something that a tool can take, or a part of it.
///
/// It derives `Deserialize` and `JsonSchema` and refuses unknown fields, so that a misspelt
/// optional field is an error. Doc comments on fields become descriptions in the schema; serde's
/// and schemars' own attributes work as usual. A tool's whole input is a struct with named
/// fields. Use it together with `#[output]` for what a tool both takes and returns.
#[proc_macro_attribute]
pub fn input(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(data::Role::Input, &arguments.into(), item.into()).into()
}

/// Makes a struct or an enum something that a tool can return, or a part of it.
///
/// It derives `Serialize` and `JsonSchema`. Doc comments on fields become descriptions in the
/// schema; serde's and schemars' own attributes work as usual.
#[proc_macro_attribute]
pub fn output(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(data::Role::Output, &arguments.into(), item.into()).into()
}

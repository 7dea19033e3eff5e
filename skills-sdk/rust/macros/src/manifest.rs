//! What the attribute needs to know of `openclaw/skill.toml`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Error, LitStr};
use toml::{Table, Value};

/// Where a skill's manifest is, from the crate's directory.
const PATH: &str = "openclaw/skill.toml";

/// The parts of a manifest that shape the skill's code; the whole is checked when it is packed.
pub(crate) struct Manifest {
    /// The skill's name.
    pub(crate) name: String,
    /// `[permission.memory]` is there.
    pub(crate) memory: bool,
    /// `[[permission.process]]` is there.
    pub(crate) process: bool,
    /// `[permission.llm]` is there.
    pub(crate) llm: bool,
    /// `[permission.ask]` is there.
    pub(crate) ask: bool,
    /// `[[permission.filesystem]]` names the tree `$data`.
    pub(crate) data: bool,
    /// `[[permission.filesystem]]` names the tree `$workspace`.
    pub(crate) workspace: bool,
    /// An item that makes the compiler run the macro anew when the file changes.
    pub(crate) dependency: TokenStream,
}

impl Manifest {
    /// Reads the manifest at a path that the author gave, from the source file's directory, or
    /// at the usual one.
    pub(crate) fn read(given: Option<&LitStr>) -> syn::Result<Self> {
        let span = given.map_or_else(Span::call_site, LitStr::span);
        let shown = given.map_or_else(|| PATH.to_owned(), LitStr::value);
        let path = match given {
            Some(given) => beside_source(given),
            None => crate_directory().join(PATH),
        };
        let text = fs::read_to_string(path).map_err(|error| {
            let message = match (error.kind(), given) {
                (ErrorKind::NotFound, None) => format!(
                    "there is no `{shown}` beside this crate's Cargo.toml: create it, or begin with \
                     `openclaw skill new`"
                ),
                (ErrorKind::NotFound, Some(_)) => {
                    format!("there is no `{shown}` beside this source file: correct the path")
                }
                _ => format!("cannot read `{shown}`: {error}"),
            };
            Error::new(span, message)
        })?;

        let mut manifest = parse(&text).map_err(|reason| Error::new(span, format!("`{shown}`: {reason}")))?;
        manifest.dependency = match given {
            Some(given) => quote_spanned!(given.span()=> const _: &[u8] = ::core::include_bytes!(#given);),
            None => quote_spanned! {Span::call_site()=>
                const _: &[u8] = ::core::include_bytes!(
                    ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #PATH)
                );
            },
        };
        Ok(manifest)
    }
}

/// As `include_bytes!` finds it.
fn beside_source(given: &LitStr) -> PathBuf {
    let source = given.span().unwrap().local_file();
    let directory = source.as_deref().and_then(|file| file.parent());
    directory.map_or_else(crate_directory, PathBuf::from).join(given.value())
}

fn crate_directory() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default()
}

fn parse(text: &str) -> Result<Manifest, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let name = table.get("skill").and_then(|skill| skill.get("name")).and_then(Value::as_str);
    let name = name.ok_or("it names no skill: add\n\n[skill]\nname = \"my-skill\"")?;
    if !is_name(name) {
        return Err(format!(
            "`{name}` is no name of a skill: use 1 to 64 of `a`-`z`, `0`-`9` and single `-` between them"
        ));
    }
    let permission = |kind: &str| table.get("permission").and_then(|permission| permission.get(kind));
    let trees: Vec<&str> = permission("filesystem")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.get("tree").and_then(Value::as_str))
        .collect();
    Ok(Manifest {
        name: name.to_owned(),
        memory: permission("memory").is_some(),
        process: permission("process").is_some(),
        llm: permission("llm").is_some(),
        ask: permission("ask").is_some(),
        data: trees.contains(&"$data"),
        workspace: trees.contains(&"$workspace"),
        dependency: TokenStream::new(),
    })
}

fn is_name(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= 64 && name.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_permissions_are_found() {
        let text = r#"
            [skill]
            name = "notes"

            [[permission.filesystem]]
            tree = "$data"
            access = "write"
            reason = "keeps notes"

            [permission.memory]
            reason = "counts"

            [permission.ask]
            reason = "asks"

            [[permission.process]]
            program = "git"
            args = [["status"]]
            reason = "looks"
        "#;
        let manifest = parse(text).unwrap();
        assert_eq!(manifest.name, "notes");
        assert!(manifest.memory && manifest.process && manifest.ask && manifest.data && !manifest.workspace);
    }

    #[test]
    fn names_follow_the_rule_of_packages() {
        assert!(is_name("git-helper") && is_name("a") && is_name("2fa"));
        for name in ["", "-a", "a--b", "a-", "Git", "a_b", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn faults_say_what_to_do() {
        assert!(parse("[skill]").err().unwrap().contains("name = "));
        assert!(parse("[skill]\nname = \"A\"").err().unwrap().contains("is no name"));
        assert!(parse("[skill\n").err().unwrap().contains("line 1"));
    }
}

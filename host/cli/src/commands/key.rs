//! `openclaw key`: the keys that sign this owner's skills.

use crate::cli::KeyCommand;
use crate::environment::Environment;
use crate::error::Result;
use crate::json;
use crate::keys;
use crate::output::{Output, good};

/// Makes or shows a key.
pub(crate) fn run(command: KeyCommand, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    match command {
        KeyCommand::New { publisher } => {
            let (key, path) = keys::create(&dir, &publisher)?;
            let public_key = key.public_key();
            if output.is_json() {
                return output.document(&json::Key { publisher, public_key, path });
            }
            output.line(format_args!("{} a key for {publisher}: {}", good("made"), path.display()));
            output.line(format_args!("public key: {public_key}"));
            output.note("");
            output.note("Keep the file to yourself, and a copy of it somewhere safe. Others install your skills after");
            output.note(format_args!("  openclaw trust add {publisher} {public_key}"));
            output.note("Begin a skill with");
            output.note("  openclaw skill new hello");
            Ok(())
        }
        KeyCommand::Show { publisher } => {
            let (key, path) = keys::load(&dir, &publisher)?;
            let public_key = key.public_key();
            if output.is_json() {
                return output.document(&json::Key { publisher, public_key, path });
            }
            output.line(public_key);
            Ok(())
        }
    }
}

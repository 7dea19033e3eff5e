//! `openclaw key`: the keys that sign this owner's skills.

use openclaw_package::{PublicKey, PublisherName, Reason};

use super::registry::{Context, entries};
use crate::cli::KeyCommand;
use crate::environment::Environment;
use crate::error::Result;
use crate::json;
use crate::json::registry::Logged;
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
        KeyCommand::Rotate { publisher, reason, registry } => {
            let context = Context { environment, output };
            rotate(&publisher, &reason, registry.as_deref(), &context)
        }
        KeyCommand::Revoke { publisher, key, reason, registry } => {
            let context = Context { environment, output };
            revoke(publisher, &key, &reason, registry.as_deref(), &context)
        }
    }
}

/// The new key is on disk before the registry hears of it, and takes the old one's place only after.
fn rotate(
    publisher: &PublisherName,
    reason: &Reason,
    registry: Option<&str>,
    context: &Context<'_>,
) -> Result<()> {
    let dir = context.environment.data_dir()?;
    let (old, _) = keys::load(&dir, publisher)?;
    let client = context.client(registry)?;
    let new = keys::successor(&dir, publisher)?;
    let added = context.wait(client.rotate_key(publisher, &old, &new, reason))?;
    let kept = keys::succeed(&dir, publisher)?;
    let output = context.output;
    let (publisher, public_key) = (publisher.clone(), new.public_key());
    let log_indices = added.log_indices;
    if output.is_json() {
        return output.document(&Logged { publisher, log_indices, public_key: Some(public_key) });
    }
    output.line(format_args!("{} the key of {publisher}: {}", good("rotated"), entries(&log_indices)));
    output.line(format_args!("public key: {public_key}"));
    output.note(format_args!("The old key is kept in {}; it signs nothing any more.", kept.display()));
    output.note("Whoever trusts it by hand has to trust the new one:");
    output.note(format_args!("  openclaw trust add {publisher} {public_key}"));
    Ok(())
}

fn revoke(
    publisher: PublisherName,
    revoked: &PublicKey,
    reason: &Reason,
    registry: Option<&str>,
    context: &Context<'_>,
) -> Result<()> {
    let key = context.key(&publisher)?;
    let client = context.client(registry)?;
    let added = context.wait(client.revoke_key(&publisher, &key, revoked, reason))?;
    let (output, log_indices) = (context.output, added.log_indices);
    if output.is_json() {
        return output.document(&Logged { publisher, log_indices, public_key: None });
    }
    output.line(format_args!("{} {revoked} of {publisher}: {}", good("revoked"), entries(&log_indices)));
    output.note("What it signed before stays valid; what it signs from now on is refused.");
    Ok(())
}

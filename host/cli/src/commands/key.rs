//! `openclaw key`: the keys that sign this owner's skills.

use openclaw_package::{PublicKey, PublisherName, Reason, SigningKey};
use openclaw_registry_client::{Client, KnownRegistry};

use super::registry::{Context, entries};
use crate::cli::KeyCommand;
use crate::environment::Environment;
use crate::error::{CliError, Result};
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
            let context = Context::new(environment, output);
            rotate(&publisher, &reason, registry.as_deref(), &context)
        }
        KeyCommand::Revoke { publisher, key, reason, registry } => {
            let context = Context::new(environment, output);
            revoke(publisher, &key, &reason, registry.as_deref(), &context)
        }
    }
}

/// The new key is on disk before the registry hears of it, and takes the old one's place only after. Where another
/// registry has heard of it before, no new key is made.
fn rotate(
    publisher: &PublisherName,
    reason: &Reason,
    registry: Option<&str>,
    context: &Context<'_>,
) -> Result<()> {
    let dir = context.environment.data_dir()?;
    let (current, _) = keys::load(&dir, publisher)?;
    let client = context.client(registry)?;
    let (old, new, log_indices) = match behind(publisher, &current, &client, context)? {
        Some(old) => {
            let added = context.wait(client.rotate_key(publisher, &old, &current, reason))?;
            (old, current, added.log_indices)
        }
        None => {
            let new = keys::successor(&dir, publisher)?;
            let added =
                context.wait(client.rotate_key(publisher, &current, &new, reason)).map_err(|error| {
                    let path = keys::successor_path(&dir, publisher);
                    let kept = format!("the new key is kept in {}; run it again to use it", path.display());
                    let error = CliError { message: format!("{}\n({kept})", error.message), ..error };
                    match &*error.code {
                        // The advice to rotate would lead here again.
                        "inactive-key" => {
                            error.hint("sign with the key that is active there, or ask its operator")
                        }
                        _ => error,
                    }
                })?;
            keys::succeed(&dir, publisher)?;
            (current, new, added.log_indices)
        }
    };
    let rotated = Rotated { publisher, old: old.public_key(), new: new.public_key(), log_indices };
    rotated.tell(&client, context)
}

/// The key that a registry still takes for the publisher's, where the current one took its place elsewhere only.
fn behind(
    publisher: &PublisherName,
    current: &SigningKey,
    client: &Client,
    context: &Context<'_>,
) -> Result<Option<SigningKey>> {
    let kept = keys::kept(&context.environment.data_dir()?, publisher)?;
    if kept.is_empty() {
        return Ok(None);
    }
    let history = context.wait(client.history(publisher))?;
    if history.state().is_active(&current.public_key()) {
        return Ok(None);
    }
    Ok(kept.into_iter().find(|key| history.state().is_active(&key.public_key())))
}

/// A key that took another's place.
struct Rotated<'a> {
    publisher: &'a PublisherName,
    old: PublicKey,
    new: PublicKey,
    log_indices: Vec<u64>,
}

impl Rotated<'_> {
    fn tell(self, client: &Client, context: &Context<'_>) -> Result<()> {
        let Self { publisher, old, new, log_indices } = self;
        let output = context.output;
        if output.is_json() {
            let (publisher, public_key) = (publisher.clone(), Some(new));
            return output.document(&Logged { publisher, log_indices, public_key });
        }
        output.line(format_args!("{} the key of {publisher}: {}", good("rotated"), entries(&log_indices)));
        output.line(format_args!("public key: {new}"));
        let kept = keys::kept_path(&context.environment.data_dir()?, publisher, &old);
        output.note(format_args!("The old key is kept in {}.", kept.display()));
        output.note(format_args!("It is revoked at {}.", client.registry().url()));
        for other in context.registries()?.list()? {
            if other.origin() != client.registry().origin() && still_active(publisher, &old, &other, context)
            {
                let url = other.url();
                output
                    .note(format_args!("Not yet at {url}: openclaw key rotate {publisher} --registry {url}"));
            }
        }
        output.note("Whoever trusts it by hand has to trust the new one:");
        output.note(format_args!("  openclaw trust add {publisher} {new}"));
        Ok(())
    }
}

/// Whether a registry that there is a token of takes a key for active; one that cannot be asked may.
fn still_active(
    publisher: &PublisherName,
    key: &PublicKey,
    registry: &KnownRegistry,
    context: &Context<'_>,
) -> bool {
    if !matches!(registry.token(), Ok(Some(_))) {
        return false;
    }
    let history =
        context.client_of(registry.clone()).and_then(|client| context.wait(client.history(publisher)));
    history.map_or(true, |history| history.state().is_active(key))
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

//! `openclaw registry publish` and `yank`: what a publisher adds to the log.

use std::path::Path;

use openclaw_package::registry::Visibility;
use openclaw_package::{Envelope, PublisherName, Statement};
use openclaw_registry_client::PublishRequest;

use super::transfer::Bars;
use super::{Context, entries};
use crate::cli::{RegistryPublish, RegistryYank};
use crate::commands::install::{read_signature, signature_path};
use crate::error::{CliError, Result};
use crate::json::registry::{Logged, Published};
use crate::output::{Output, good};

/// Publishes a package.
pub(super) fn publish(arguments: &RegistryPublish, context: &Context<'_>) -> Result<()> {
    let archive = &arguments.archive;
    let signature = read_signature(archive).map_err(|error| match &*error.code {
        "file-not-found" => error.hint("openclaw skill pack"),
        "unsigned" => error.hint(format!("openclaw skill sign {}", archive.display())),
        _ => error,
    })?;
    let key = context.key(&publisher_of(&signature)?)?;
    let client = context.client(arguments.at.registry.as_deref())?;
    let request = PublishRequest {
        archive,
        signature: &signature_path(archive),
        key: &key,
        visibility: arguments.visibility,
        category: arguments.category.as_deref(),
    };
    let bars = Bars::new(context.output);
    let published = context.wait(client.publish(&request, &bars)).map_err(|error| advise(error, archive))?;
    let document = Published {
        skill: published.skill,
        version: published.version,
        digest: published.archive,
        log_index: published.log_index,
        visibility: published.visibility,
        already: published.already,
    };
    tell(&document, arguments.visibility, context.output)
}

/// What its publisher can do about a package that is refused.
fn advise(error: CliError, archive: &Path) -> CliError {
    match &*error.code {
        "bad-signature" => {
            let hint = format!(
                "sign it again, with the key as it is now: openclaw skill sign {}",
                archive.display()
            );
            error.hint(hint)
        }
        "taken-down" => error.hint("ask the registry's operator why, before you publish another version"),
        _ => error,
    }
}

fn tell(document: &Published, wanted: Option<Visibility>, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.document(document);
    }
    let Published { skill, version, log_index, visibility, already, .. } = document;
    let done = if *already { "was published already:" } else { "published" };
    output.line(format_args!("{} {skill} {version}, entry {log_index} in the log", good(done)));
    if wanted.is_some_and(|wanted| wanted != *visibility) {
        output.warn(format_args!(
            "it was published as {visibility}, and stays so: only a new version can be another"
        ));
    }
    let who = match visibility {
        Visibility::Public => "Others install".to_owned(),
        Visibility::Private => format!("Tokens of {} install", skill.publisher()),
    };
    output.note(format_args!("{who} it with: openclaw registry install {skill}"));
    Ok(())
}

/// Whose key is needed; the package itself is checked when it is published.
fn publisher_of(signature: &[u8]) -> Result<PublisherName> {
    let statement = Statement::parse(Envelope::parse(signature)?.payload_unverified())?;
    Ok(statement.publisher().clone())
}

/// Yanks a version, or takes that back.
pub(super) fn yank(arguments: &RegistryYank, context: &Context<'_>) -> Result<()> {
    let (skill, version) = (&arguments.release.skill, &arguments.release.version);
    let key = context.key(skill.publisher())?;
    let client = context.client(arguments.at.registry.as_deref())?;
    let added = if arguments.undo {
        context.wait(client.unyank(skill, version, &arguments.reason, &key))?
    } else {
        context.wait(client.yank(skill, version, &arguments.reason, &key))?
    };
    let log_indices = added.log_indices;
    if context.output.is_json() {
        let publisher = skill.publisher().clone();
        return context.output.document(&Logged { publisher, log_indices, public_key: None });
    }
    if log_indices.is_empty() {
        let state = if arguments.undo { "was not yanked" } else { "was yanked already" };
        context.output.line(format_args!("{skill} {version} {state}"));
        return Ok(());
    }
    let done = if arguments.undo { "took back the yank of" } else { "yanked" };
    context.output.line(format_args!("{} {skill} {version}: {}", good(done), entries(&log_indices)));
    if !arguments.undo {
        context
            .output
            .note("It is not chosen any more. Who has it keeps it, and is told by openclaw registry audit.");
    }
    Ok(())
}

//! `openclaw skill pack`: from a project to a signed package, the same bytes every time.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use openclaw_package::{Envelope, PackageSource, Packed, PublicKey, SigningKey};

use crate::cli::SkillPack;
use crate::commands::install::signature_path;
use crate::component;
use crate::describe::bytes;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::json::Pack;
use crate::keys;
use crate::output::{Output, good, warning};
use crate::project::{Project, replace};

/// Where a package goes that is sent nowhere else.
const OUTPUT: &str = "dist/skill.tar.gz";

/// Builds what is stale, packs, and signs.
pub(crate) fn run(arguments: &SkillPack, environment: &Environment, output: &Output) -> Result<()> {
    let project = Project::open(&arguments.dir)?;
    let publisher = project.manifest().id().publisher();
    // Before anything is built: without a key nothing will come of it.
    let key = if arguments.unsigned {
        None
    } else {
        let loaded = keys::load(&environment.data_dir()?, publisher);
        Some(loaded.map_err(|error| with_way_out(error, publisher.as_str()))?.0)
    };
    component::build(&project, environment, output)?;
    let checked = component::check(&project, environment, output)?;
    let packed = PackageSource::from_dir_with_tools(project.root(), &checked.tools)?.pack()?;
    let archive = arguments.output.clone().unwrap_or_else(|| project.path(OUTPUT));
    let document = write(&archive, &packed, key.as_ref())?;
    tell(&document, "packed", output)
}

fn with_way_out(error: CliError, publisher: &str) -> CliError {
    let hint = error.hint.clone().unwrap_or_else(|| format!("openclaw key new {publisher}"));
    error.hint(format!("{hint}; or pack it with --unsigned, and sign it where the key is"))
}

/// Writes the archive and its signature; an older signature beside it does not outlive its archive.
pub(super) fn write(archive: &Path, packed: &Packed, key: Option<&SigningKey>) -> Result<Pack> {
    let signature = signature_path(archive);
    match fs::remove_file(&signature) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(CliError::io(&signature, &error)),
        _ => {}
    }
    if fs::read(archive).map_or(true, |there| there != packed.archive) {
        replace(archive, &packed.archive)?;
    }
    let signed: Option<(Envelope, PublicKey)> = key.map(|key| (packed.sign(key), key.public_key()));
    if let Some((envelope, _)) = &signed {
        replace(&signature, &envelope.to_json())?;
    }
    Ok(Pack {
        skill: packed.statement.id(),
        version: packed.statement.version().clone(),
        archive: archive.to_owned(),
        bytes: packed.archive.len() as u64,
        digest: packed.digest,
        signature: signed.is_some().then_some(signature),
        signer: signed.map(|(_, signer)| signer),
    })
}

/// Says what was written.
pub(super) fn tell(pack: &Pack, done: &str, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.document(pack);
    }
    output.line(format_args!("{} {} {}", good(done), pack.skill, pack.version));
    output.line(format_args!("package    {}, {}", pack.archive.display(), bytes(pack.bytes)));
    output.line(format_args!("digest     {}", pack.digest));
    match (&pack.signature, &pack.signer) {
        (Some(signature), Some(signer)) => {
            output.line(format_args!("signature  {}", signature.display()));
            output.line(format_args!("signer     {signer}"));
            output.note(format_args!("Install it with: openclaw install {}", pack.archive.display()));
        }
        _ => {
            output.line(format_args!("signature  {}", warning("none")));
            output.warn("the package is NOT SIGNED, and nothing installs it");
            output.note(format_args!("Sign it with: openclaw skill sign {}", pack.archive.display()));
        }
    }
    Ok(())
}

//! `openclaw trust`: whose skills may be installed and loaded.

use openclaw_package::{PublicKey, PublisherName};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::trust::TrustStore;

use crate::cli::TrustCommand;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::TrustedPublisher;
use crate::output::{Output, good, table};

/// Adds, lists or removes.
pub(crate) fn run(command: TrustCommand, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    match command {
        TrustCommand::Add { publisher, key } => add(&dir, publisher, key, output),
        TrustCommand::List => list(&dir, output),
        TrustCommand::Remove { publisher, key } => remove(&dir, &publisher, key.as_ref(), output),
    }
}

fn add(dir: &DataDir, publisher: PublisherName, key: PublicKey, output: &Output) -> Result<()> {
    let _lock = dir.lock()?;
    let mut trust = TrustStore::load(&dir.trust())?;
    let known = trust.keys(&publisher).len();
    let added = trust.add(publisher.clone(), key.clone());
    trust.save(&dir.trust())?;
    if output.is_json() {
        let keys = trust.keys(&publisher);
        return output.document(&TrustedPublisher { publisher, keys });
    }
    if !added {
        output.line(format_args!("{publisher} was trusted with this key already"));
        return Ok(());
    }
    output.line(format_args!("{} {publisher} with {key}", good("trusted")));
    if known > 0 {
        output.warn(format_args!(
            "{publisher} had {known} trusted key(s) already; a skill needs one of them all"
        ));
    }
    Ok(())
}

fn list(dir: &DataDir, output: &Output) -> Result<()> {
    let trust = TrustStore::load(&dir.trust())?;
    if output.is_json() {
        let publishers = trust.iter().map(|(publisher, keys)| TrustedPublisher {
            publisher: publisher.clone(),
            keys: keys.iter().cloned().collect(),
        });
        return output.document(&publishers.collect::<Vec<_>>());
    }
    let rows: Vec<_> = trust
        .iter()
        .flat_map(|(publisher, keys)| keys.iter().map(|key| [publisher.to_string(), key.to_string()]))
        .collect();
    if rows.is_empty() {
        output.note("nobody is trusted yet: openclaw trust add <publisher> <key>");
    } else {
        output.lines(table(["publisher", "key"], &rows));
    }
    Ok(())
}

fn remove(dir: &DataDir, publisher: &PublisherName, key: Option<&PublicKey>, output: &Output) -> Result<()> {
    let _lock = dir.lock()?;
    let mut trust = TrustStore::load(&dir.trust())?;
    if !trust.remove(publisher, key) {
        let what = key.map_or_else(|| publisher.to_string(), |key| format!("{key} of {publisher}"));
        return Err(CliError::new(Exit::NotFound, "not-trusted", format!("{what} is not trusted"))
            .hint("openclaw trust list"));
    }
    trust.save(&dir.trust())?;
    let keys = trust.keys(publisher);
    if output.is_json() {
        return output.document(&TrustedPublisher { publisher: publisher.clone(), keys });
    }
    output.line(format_args!("{publisher} is trusted with {} key(s) now", keys.len()));
    output.note("Installed skills that only a removed key signed are not loaded any more.");
    Ok(())
}

//! `openclaw secret`: what the host puts into requests of skills, and no skill sees.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read};

use openclaw_package::{SecretName, SecretRequest, SkillId};
use openclaw_runtime::capability::grant::Grants;
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::policy::Policy;
use openclaw_runtime::secrets::{Kept, MAX_SECRET_BYTES, SecretValue, SecretValueError, Secrets};
use openclaw_runtime::skill::Authorized;
use zeroize::Zeroizing;

use crate::cli::SecretCommand;
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::{ListedSecret, SecretChange, SecretHostGrant};
use crate::output::{Output, dim, good, table};

/// Sets, lists or removes.
pub(crate) fn run(command: SecretCommand, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let secrets = environment.secrets()?;
    match command {
        SecretCommand::Set { skill, name, file } => set(&dir, &secrets, (skill, name), file, output),
        SecretCommand::List { skill } => list(&dir, &secrets, skill.as_ref(), output),
        SecretCommand::Remove { skill, name } => remove(&secrets, (skill, name), output),
    }
}

fn set(
    dir: &DataDir,
    secrets: &Secrets,
    (skill, name): (SkillId, SecretName),
    in_file: bool,
    output: &Output,
) -> Result<()> {
    let catalog = Catalog::load(dir)?;
    let value = read_value(&skill, &name, output)?;
    let replaced = secrets.names(&skill)?.contains_key(&name);
    let kept = secrets.set(&skill, &name, value, in_file)?;
    let warning = doubt(&catalog, &skill, &name);
    let path = (kept == Kept::File).then(|| secrets.path(&skill));
    if output.is_json() {
        return output.document(&SecretChange { skill, name, action: "set", kept, path, replaced, warning });
    }
    let place = match &path {
        Some(path) => format!("the file {}, which only you can read", path.display()),
        None => "the system's keyring".to_owned(),
    };
    let done = if replaced { "replaced" } else { "set" };
    output.line(format_args!("{} {name} of {skill}, kept in {place}", good(done)));
    if let Some(warning) = warning {
        output.warn(warning);
    }
    Ok(())
}

/// Why a secret that is set may be of no use.
fn doubt(catalog: &Catalog, skill: &SkillId, name: &SecretName) -> Option<String> {
    let Some(entry) = catalog.get(skill) else {
        return Some(format!("{skill} is not installed; the secret is for when it is"));
    };
    let Entry::Loaded(loaded) = entry else {
        return Some(format!("{skill} is not loaded, so that nobody can tell whether it asks for {name}"));
    };
    let asked: Vec<_> = requests(loaded).iter().filter(|request| request.name == *name).collect();
    if asked.is_empty() {
        let others: BTreeSet<_> = requests(loaded).iter().map(|request| request.name.as_str()).collect();
        let asks = match others.is_empty() {
            true => "it asks for none".to_owned(),
            false => format!("it asks for {}", others.into_iter().collect::<Vec<_>>().join(", ")),
        };
        return Some(format!("{skill} does not ask for a secret {name}: {asks}"));
    }
    let open = loaded.grants().missing(None);
    let missing = open.iter().find(|missing| missing.scope.starts_with(&format!("secret {name} ")));
    missing.map(|missing| format!("it is not granted yet: {}", missing.command))
}

fn requests(loaded: &Authorized) -> &[SecretRequest] {
    &loaded.manifest().requests().secret
}

/// The value: typed without being shown, or all of standard input but the line break that ends it.
fn read_value(skill: &SkillId, name: &SecretName, output: &Output) -> Result<SecretValue> {
    let failed = |error: std::io::Error| {
        CliError::new(Exit::Usage, "invalid-secret", format!("the value cannot be read: {error}"))
    };
    let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET_BYTES + 16));
    if std::io::stdin().is_terminal() {
        output.note(format_args!("The value of {name} for {skill}; it is not shown:"));
        *text = console::Term::stderr().read_secure_line().map_err(failed)?;
    } else {
        let most = u64::try_from(MAX_SECRET_BYTES + 3).unwrap_or(u64::MAX);
        std::io::stdin().lock().take(most).read_to_string(&mut text).map_err(failed)?;
        let value =
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        let length = value.len();
        text.truncate(length);
    }
    if text.is_empty() {
        let hint = format!("pass it on standard input: openclaw secret set {skill} {name} < FILE");
        return Err(CliError::new(Exit::Usage, "invalid-secret", "the value is empty").hint(hint));
    }
    SecretValue::new(text).map_err(|error: SecretValueError| {
        CliError::new(Exit::Usage, "invalid-secret", format!("the value cannot be used: {error}"))
            .hint("copy the value alone, without quotes, line breaks or what stands around it")
    })
}

fn list(dir: &DataDir, secrets: &Secrets, only: Option<&SkillId>, output: &Output) -> Result<()> {
    let catalog = Catalog::load(dir)?;
    let skills: BTreeSet<SkillId> = match only {
        Some(skill) if catalog.get(skill).is_none() && secrets.names(skill)?.is_empty() => {
            return Err(super::installed::unknown(dir, skill));
        }
        Some(skill) => BTreeSet::from([skill.clone()]),
        None => catalog.iter().map(|(skill, _)| skill.clone()).chain(secrets.skills()?).collect(),
    };
    let mut listed = Vec::new();
    for skill in skills {
        listed.extend(secrets_of(&catalog, secrets, &skill)?);
    }
    if output.is_json() {
        return output.document(&listed);
    }
    if listed.is_empty() {
        output.note("no skill asks for a secret, and none is set");
        return Ok(());
    }
    let rows: Vec<_> = listed.iter().map(row).collect();
    output.lines(table(["skill", "name", "kept in", "goes to"], &rows));
    for missing in listed.iter().filter(|listed| listed.kept.is_none()) {
        output.note(dim(format_args!("openclaw secret set {} {}", missing.skill, missing.name)));
    }
    Ok(())
}

fn row(listed: &ListedSecret) -> [String; 4] {
    let kept = match listed.kept {
        None => "- not set",
        Some(Kept::File) => "file",
        Some(Kept::Keyring) => "keyring",
    };
    let host = |host: &SecretHostGrant| match host.granted {
        true => host.host.to_string(),
        false => format!("{} (not granted)", host.host),
    };
    let hosts = match listed.hosts.as_slice() {
        [] => "nowhere: not asked for".to_owned(),
        hosts => hosts.iter().map(host).collect::<Vec<_>>().join(", "),
    };
    [listed.skill.to_string(), listed.name.to_string(), kept.to_owned(), hosts]
}

/// What a skill asks for, and what is set for it.
fn secrets_of(catalog: &Catalog, secrets: &Secrets, skill: &SkillId) -> Result<Vec<ListedSecret>> {
    let kept = secrets.names(skill)?;
    let asked = match catalog.get(skill) {
        Some(Entry::Loaded(loaded)) => requests(loaded).to_vec(),
        _ => Vec::new(),
    };
    let names: BTreeSet<_> = kept.keys().chain(asked.iter().map(|request| &request.name)).cloned().collect();
    let listed = names.into_iter().map(|name| {
        let own = asked.iter().filter(|request| request.name == name);
        let hosts: Vec<_> = own.map(|request| host(catalog.policy(), skill, request)).collect();
        let path = (kept.get(&name) == Some(&Kept::File)).then(|| secrets.path(skill));
        ListedSecret {
            skill: skill.clone(),
            kept: kept.get(&name).copied(),
            name,
            path,
            requested: !hosts.is_empty(),
            hosts,
        }
    });
    Ok(listed.collect())
}

fn host(policy: &Policy, skill: &SkillId, request: &SecretRequest) -> SecretHostGrant {
    let alone = openclaw_package::Requests { secret: vec![request.clone()], ..Default::default() };
    let is_denied = policy.denied(skill).any(|rule| {
        matches!(rule, openclaw_runtime::policy::Rule::Secret(rule)
            if rule.name == request.name && rule.host == request.host)
    });
    let granted = !is_denied && Grants::join(skill, &alone, policy).missing(None).is_empty();
    SecretHostGrant { host: request.host.clone(), place: request.place.to_string(), granted }
}

fn remove(secrets: &Secrets, (skill, name): (SkillId, SecretName), output: &Output) -> Result<()> {
    let known = secrets.names(&skill)?;
    let Some(kept) = known.get(&name).copied() else {
        let names = known.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let hint = if names.is_empty() { "it has none".to_owned() } else { format!("it has {names}") };
        let message = format!("no secret {name} of {skill} is set");
        return Err(CliError::new(Exit::NotFound, "no-such-secret", message).hint(hint));
    };
    secrets.remove(&skill, &name)?;
    if output.is_json() {
        let (action, path, replaced, warning) = ("remove", None, false, None);
        return output.document(&SecretChange { skill, name, action, kept, path, replaced, warning });
    }
    output.line(format_args!("{} {name} of {skill}", good("removed")));
    Ok(())
}

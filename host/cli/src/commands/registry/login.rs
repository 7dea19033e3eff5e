//! `openclaw registry login`, `logout`, `list` and `whoami`.

use std::io::Read as _;

use openclaw_package::Digest;
use openclaw_package::registry::api::Whoami;
use openclaw_registry_client::{Error, KnownRegistry, LoginRequest, Pending, Registries, RegistryUrl, Token};

use super::Context;
use crate::cli::RegistryLogin;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::registry::{KnownRegistry as Document, LoggedOut};
use crate::output::{Output, good, table};
use crate::text::one_line;

/// Bytes that a token on standard input may have.
const TOKEN_BYTES: u64 = 4096;

/// Pins a registry's root and stores the token.
pub(super) fn login(arguments: &RegistryLogin, context: &Context<'_>) -> Result<()> {
    let output = context.output;
    let registries = context.registries()?;
    let url = url(&arguments.registry, arguments.allow_plain_http)?;
    let token = arguments.token.as_deref().map(read_token).transpose()?;
    let has_token = token.is_some();
    let (fingerprint, replace) = (arguments.fingerprint, arguments.replace);
    let request = LoginRequest { url, token, fingerprint, replace };
    let options = context.options()?;
    let progress = output.progress("asking the registry for its root");
    let pending =
        context.wait(registries.login(request, options)).map_err(|error| first(&registries, error))?;
    drop(progress);
    output.note(format_args!("registry     {}", pending.origin()));
    show_fingerprints(&pending, output);
    confirm(&pending, context)?;
    let mut logged_in = context.wait(pending.accept())?;
    let keeps_token = !has_token && logged_in.registry.token()?.is_some();
    if keeps_token {
        logged_in.whoami = check_kept(&logged_in.registry, context)?;
    }
    if output.is_json() {
        return output.document(&document(&registries, &logged_in.registry, logged_in.whoami)?);
    }
    let whose = match &logged_in.whoami {
        Some(whoami) => format!(" as {}", whoami.publisher),
        None => String::new(),
    };
    output.line(format_args!("{} {}{whose}", good("logged in to"), logged_in.registry.url()));
    if keeps_token {
        output.note("The stored token is kept.");
    } else if !has_token {
        output.note("Without a token you can search, install and audit; publishing needs one: --token T");
    }
    Ok(())
}

/// What to do where not even the first question was answered.
fn first(registries: &Registries, error: CliError) -> CliError {
    let is_new = registries.list().is_ok_and(|known| known.is_empty());
    if is_new && error.code == "registry-unreachable" { error.hint("check the URL") } else { error }
}

/// Whether the token that was stored at an earlier login is still good, and for what.
fn check_kept(registry: &KnownRegistry, context: &Context<'_>) -> Result<Option<Whoami>> {
    let client = context.client_of(registry.clone())?;
    match context.wait(client.whoami()) {
        Ok(whoami) => Ok(Some(whoami)),
        Err(error) => {
            context.output.warn(format_args!("the stored token is no good: {}", one_line(&error.message)));
            if let Some(hint) = error.hint {
                context.output.note(format_args!("  {}", one_line(&hint)));
            }
            Ok(None)
        }
    }
}

/// The versions of the root, of which the operator may have given out any.
fn roots(pending: &Pending) -> Vec<String> {
    let newest = pending.fingerprints().first().map(|(version, _)| *version);
    let line = |(version, fingerprint): &(u64, Digest)| {
        let mark = if Some(*version) == newest { " (newest)" } else { "" };
        format!("root {version}{mark} {fingerprint}")
    };
    pending.fingerprints().iter().map(line).collect()
}

fn show_fingerprints(pending: &Pending, output: &Output) {
    match roots(pending).as_slice() {
        [] | [_] => output.note(format_args!("fingerprint  {}", pending.fingerprint())),
        many => many.iter().for_each(|root| output.note(root)),
    }
}

/// The fingerprint was given, or a person says that it is right.
fn confirm(pending: &Pending, context: &Context<'_>) -> Result<()> {
    if !pending.needs_confirmation() {
        return Ok(());
    }
    let question = match pending.fingerprints() {
        [] | [_] => "Is this the fingerprint that the registry's operator gave you, over another channel?",
        _ => "Is one of these the fingerprint that the registry's operator gave you, over another channel?",
    };
    match context.output.confirm(question) {
        Some(true) => Ok(()),
        Some(false) => Err(CliError::new(Exit::Refused, "no-consent", "nothing was stored")),
        None => {
            let message = format!("nobody confirmed the fingerprint of {}", pending.url());
            Err(CliError::new(Exit::Refused, "fingerprint-needed", message).hint(format!(
                "ask the registry's operator for it, and log in with --fingerprint; it says\n  {}",
                roots(pending).join("\n  ")
            )))
        }
    }
}

fn url(text: &str, allow_plain_http: bool) -> Result<RegistryUrl> {
    let url = if allow_plain_http {
        RegistryUrl::new_allowing_plain_http(text)
    } else {
        text.parse::<RegistryUrl>()
    };
    Ok(url.map_err(Error::from)?)
}

/// The token that was given, or the first line of standard input.
fn read_token(given: &str) -> Result<Token> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        std::io::stdin().lock().take(TOKEN_BYTES).read_to_string(&mut text).map_err(|error| {
            CliError::new(Exit::Usage, "invalid-token", format!("standard input: {error}"))
        })?;
    }
    Ok(text.trim().parse::<Token>().map_err(Error::from)?)
}

/// Forgets a token.
pub(super) fn logout(url: Option<&str>, context: &Context<'_>) -> Result<()> {
    let url = context.known(url)?.url().clone();
    let had_token = context.registries()?.forget_token(&url)?;
    if context.output.is_json() {
        return context.output.document(&LoggedOut { registry: url.to_string(), had_token });
    }
    let done = if had_token { "the token was forgotten; its pins stay" } else { "there was no token" };
    context.output.line(format_args!("{url}: {done}"));
    Ok(())
}

/// Lists what is known, or sets the default.
pub(super) fn list(default: Option<&str>, context: &Context<'_>) -> Result<()> {
    let registries = context.registries()?;
    if let Some(default) = default {
        registries.set_default(&url(default, true)?)?;
    }
    let known = registries.list()?;
    let documents: Vec<_> =
        known.iter().map(|known| document(&registries, known, None)).collect::<Result<_>>()?;
    if context.output.is_json() {
        return context.output.document(&documents);
    }
    if documents.is_empty() {
        context.output.note("no registry is known yet: openclaw registry login --registry https://…");
        return Ok(());
    }
    let row = |known: &Document| {
        let mark = |is: bool, text: &str| if is { text.to_owned() } else { String::new() };
        [
            known.registry.clone(),
            known.origin.to_string(),
            mark(known.has_token, "token"),
            mark(known.default, "default"),
        ]
    };
    let rows: Vec<_> = documents.iter().map(row).collect();
    context.output.lines(table(["registry", "origin", "token", "default"], &rows));
    Ok(())
}

/// Says what the token may do.
pub(super) fn whoami(url: Option<&str>, context: &Context<'_>) -> Result<()> {
    let client = context.client(url)?;
    let whoami = context.wait(client.whoami())?;
    if context.output.is_json() {
        return context.output.document(&whoami);
    }
    let Whoami { publisher, name, scopes, pattern, expires } = &whoami;
    context.output.line(format_args!("{publisher}, by the token {}", one_line(name)));
    context.output.line(format_args!("may {} on {}", one_line(&scopes.join(", ")), one_line(pattern)));
    context.output.line(format_args!("until {expires}"));
    Ok(())
}

fn document(registries: &Registries, known: &KnownRegistry, token: Option<Whoami>) -> Result<Document> {
    Ok(Document {
        registry: known.url().to_string(),
        origin: known.origin().clone(),
        fingerprint: known.fingerprint(),
        has_token: known.token()?.is_some(),
        default: registries.default_url()?.as_ref() == Some(known.url()),
        token,
    })
}

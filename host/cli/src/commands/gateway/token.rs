//! `openclaw gateway token`: makes, lists and revokes what callers present.

use openclaw_gateway::Scope;
use openclaw_gateway::tokens::{NewToken, TokenRecord, TokenStore};
use openclaw_runtime::workspace::Workspace;

use crate::cli::{TokenCommand, TokenCreate};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::json::{ListedToken, NewGatewayToken};
use crate::output::{Output, table, warning};

/// Makes, lists or revokes.
pub(super) fn run(command: TokenCommand, environment: &Environment, output: &Output) -> Result<()> {
    let store = TokenStore::of(&environment.data_dir()?);
    match command {
        TokenCommand::Create(arguments) => create(arguments, &store, output),
        TokenCommand::List => list(&store, output),
        TokenCommand::Revoke { name } => {
            let revoked = store.revoke(&name)?;
            if output.is_json() {
                return output.document(&listed(&revoked));
            }
            output.line(format_args!("{name} is revoked"));
            Ok(())
        }
    }
}

fn create(arguments: TokenCreate, store: &TokenStore, output: &Output) -> Result<()> {
    let TokenCreate { name, tools, no_tools, workspace, expires, may_grant, metrics } = arguments;
    let workspace = workspace.map(|path| Workspace::resolve(&path)).transpose()?;
    let tools = if tools.is_empty() && !no_tools { Scope::all() } else { Scope::of(tools) };
    let workspace = workspace.map(|workspace| workspace.path().to_owned());
    let new = NewToken { name, expires, tools, workspace, may_grant, metrics };
    let (secret, record) = store.create(new).map_err(|error| {
        let error = CliError::from(error);
        if error.code == "token-exists" { error.hint("openclaw gateway token revoke NAME") } else { error }
    })?;
    if output.is_json() {
        return output.document(&NewGatewayToken { token: secret.reveal(), record: listed(&record) });
    }
    output.note(format_args!("the token {}, shown only now:", record.name));
    output.line(secret.reveal());
    Ok(())
}

fn list(store: &TokenStore, output: &Output) -> Result<()> {
    let tokens = store.list()?;
    if output.is_json() {
        return output.document(&tokens.iter().map(listed).collect::<Vec<_>>());
    }
    if tokens.is_empty() {
        output.note("there is no token yet: openclaw gateway makes the first one");
        return Ok(());
    }
    let rows: Vec<_> = tokens.iter().map(row).collect();
    output.lines(table(["name", "tools", "workspace", "rights", "ends"], &rows));
    let now = jiff::Timestamp::now();
    for ended in tokens.iter().filter(|token| token.expires.is_some_and(|end| end <= now)) {
        output.note(format_args!(
            "{} {} has ended: openclaw gateway token revoke {}",
            warning("note:"),
            ended.name,
            ended.name
        ));
    }
    Ok(())
}

fn row(token: &TokenRecord) -> [String; 5] {
    let none = || "-".to_owned();
    let tools: Vec<_> = token.tools.patterns().iter().map(ToString::to_string).collect();
    let rights = [(token.may_grant, "may-grant"), (token.metrics, "metrics")];
    let rights: Vec<_> = rights.into_iter().filter_map(|(has, name)| has.then_some(name)).collect();
    [
        token.name.to_string(),
        if tools.is_empty() { none() } else { tools.join(" ") },
        token.workspace.as_ref().map_or_else(none, |path| path.display().to_string()),
        if rights.is_empty() { none() } else { rights.join(" ") },
        token.expires.map_or_else(|| "never".to_owned(), |end| end.to_string()),
    ]
}

fn listed(token: &TokenRecord) -> ListedToken {
    ListedToken {
        name: token.name.to_string(),
        tools: token.tools.patterns().iter().map(ToString::to_string).collect(),
        workspace: token.workspace.clone(),
        may_grant: token.may_grant,
        metrics: token.metrics,
        created: token.created,
        expires: token.expires,
    }
}

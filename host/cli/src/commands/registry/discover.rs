//! `openclaw registry search` and `info`: what a registry says of skills. None of it is proved.

use openclaw_package::SkillId;
use openclaw_package::registry::Visibility;
use openclaw_package::registry::api::{ReleasePage, SearchHit, SkillPage, VersionLine};
use openclaw_registry_client::Query;

use super::Context;
use crate::cli::RegistrySearch;
use crate::describe;
use crate::error::Result;
use crate::output::{Output, dim, heading, table, warning};
use crate::text::{one_line, summary};

/// Characters of a skill's description that are shown.
const DESCRIPTION: usize = 64;

/// Finds skills, or lists the categories.
pub(super) fn search(arguments: &RegistrySearch, context: &Context<'_>) -> Result<()> {
    let output = context.output;
    let client = context.client(arguments.at.registry.as_deref())?;
    if arguments.categories {
        let categories = context.wait(client.categories())?;
        if output.is_json() {
            return output.document(&categories);
        }
        let rows: Vec<_> =
            categories.iter().map(|found| [one_line(&found.category), found.skills.to_string()]).collect();
        output.lines(table(["category", "skills"], &rows));
        return Ok(());
    }
    let query = Query {
        words: arguments.words.join(" "),
        category: arguments.category.clone(),
        offset: arguments.offset,
        limit: arguments.limit,
    };
    let found = context.wait(client.search(&query))?;
    if output.is_json() {
        return output.document(&found);
    }
    if found.results.is_empty() {
        output.note("nothing was found; fewer words find more, and --categories lists the categories");
        return Ok(());
    }
    let rows: Vec<_> = found.results.iter().map(row).collect();
    output.lines(table(["skill", "version", "asks for", "description"], &rows));
    if let Some(next) = found.next {
        output.note(format_args!("There is more: --offset {next}"));
    }
    Ok(())
}

fn row(hit: &SearchHit) -> [String; 4] {
    let permissions = match hit.permissions.as_slice() {
        [] => "nothing".to_owned(),
        kinds => one_line(&kinds.join(", ")),
    };
    [hit.skill.to_string(), hit.version.to_string(), permissions, summary(&hit.description, DESCRIPTION)]
}

/// Shows a skill.
pub(super) fn info(skill: &SkillId, url: Option<&str>, context: &Context<'_>) -> Result<()> {
    let client = context.client(url)?;
    let page = context.wait(client.page(skill))?;
    if context.output.is_json() {
        return context.output.document(&page);
    }
    show(&page, context.output);
    Ok(())
}

fn show(page: &SkillPage, output: &Output) {
    let release = &page.release;
    output.line(format_args!("{} {}", heading(&page.skill), release.version));
    show_requests(release, output);
    output.line("");
    output.line(format_args!("signer     {}", release.signer));
    output.line(format_args!("log entry  {}", release.log_index));
    output.line(format_args!("archive    {}, {}", release.archive, describe::bytes(release.size)));
    output.line(format_args!("published  {}", release.published));
    let who = match page.visibility {
        Visibility::Public => "everybody".to_owned(),
        Visibility::Private => format!("tokens of {}", page.skill.publisher()),
    };
    output.line(format_args!("visible to {who}"));
    if let Some(category) = &page.category {
        output.line(format_args!("category   {}", one_line(category)));
    }
    output.line("");
    output.line("it says of itself:");
    output.line(format_args!("  {}", one_line(&release.description)));
    output.line("");
    output.line("tools:");
    for tool in &release.tools {
        output.line(format_args!("  {}  {}", heading(&tool.name), dim(one_line(&tool.description))));
    }
    output.line("");
    output.line("versions:");
    let width =
        page.versions.iter().map(|version| version.version.to_string().len()).max().unwrap_or_default();
    page.versions.iter().for_each(|version| output.line(version_line(version, width)));
    output.note(format_args!(
        "This is what the registry says; openclaw registry install {} proves it first.",
        page.skill
    ));
}

/// What is asked for comes before everything that the author says.
fn show_requests(release: &ReleasePage, output: &Output) {
    if release.permissions.is_empty() && release.triggers.is_empty() {
        output.line("it asks for no permission");
    } else {
        output.line("it asks to");
    }
    for permission in &release.permissions {
        let reason = dim(format_args!("- {}", one_line(&permission.reason)));
        output.line(format_args!("  - {} {reason}", one_line(&permission.words)));
    }
    for trigger in &release.triggers {
        output.line(format_args!("  - {}", one_line(&trigger.words())));
    }
    for text in &release.warnings {
        output.line(format_args!("  {} {}", warning("!"), one_line(text)));
    }
}

fn version_line(version: &VersionLine, width: usize) -> String {
    let state = match (&version.taken_down, &version.yanked) {
        (Some(reason), _) => warning(format_args!("taken down: {}", one_line(reason))),
        (None, Some(reason)) => warning(format_args!("yanked: {}", one_line(reason))),
        (None, None) => String::new(),
    };
    let name = version.version.to_string();
    format!("  {name:width$}  {}  {state}", version.published).trim_end().to_owned()
}

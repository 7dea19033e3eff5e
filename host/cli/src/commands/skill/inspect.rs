//! `openclaw skill inspect`: what a skill is and what it asks for; nothing of it runs.

mod subject;

use std::collections::BTreeMap;

use openclaw_package::registry::api::TriggerLine;
use openclaw_package::{ComponentError, Imports, Manifest, ToolList};
use openclaw_runtime::layout::DataDir;
use openclaw_runtime::policy::Policy;
use serde_json::Value;

use crate::cli::SkillInspect;
use crate::component;
use crate::consent;
use crate::describe::{self, bytes};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::{CallLimits, InspectedTool, Inspection, Wit};
use crate::output::{Output, dim, good, heading, warning};
use crate::text::{many_lines, one_line};
use subject::Subject;

/// Inspects, and prints all of it or the component's interface.
pub(crate) fn run(arguments: &SkillInspect, environment: &Environment, output: &Output) -> Result<()> {
    let dir = environment.data_dir()?;
    let subject = Subject::find(&arguments.subject, &dir)?;
    if arguments.wit {
        let wit = wit(&subject)?;
        if output.is_json() {
            return output.document(&Wit { wit });
        }
        output.line(many_lines(wit.trim_end()));
        return Ok(());
    }
    let inspection = inspection(&subject, &dir)?;
    if output.is_json() {
        return output.document(&inspection);
    }
    show(&inspection, output);
    Ok(())
}

fn inspection(subject: &Subject, dir: &DataDir) -> Result<Inspection> {
    let manifest = subject.manifest.as_ref();
    let component = match &subject.component {
        Some(bytes) => Some(component::document(bytes, &Imports::read(bytes)?)),
        None => None,
    };
    let mut warnings = manifest.map(|manifest| describe::warnings(manifest.requests())).unwrap_or_default();
    warnings.extend(subject.warnings.iter().cloned());
    if let (Some(manifest), Some(bytes)) = (manifest, &subject.component)
        && let Err(error) = component::prove(bytes, manifest)
    {
        warnings.push(format!("nothing installs it as it is: {error}"));
    }
    let limits = match manifest {
        Some(manifest) => Some(Policy::load(&dir.policy())?.ceilings().apply(manifest)),
        None => None,
    };
    let (limits, cuts) = limits.map_or((None, Vec::new()), |(limits, cuts)| (Some(limits), cuts));
    let requests = manifest.map(|manifest| describe::requests(manifest.requests())).unwrap_or_default();
    let programs = manifest.map(|manifest| describe::programs(manifest.requests())).unwrap_or_default();
    Ok(Inspection {
        kind: subject.kind,
        skill: manifest.map(|manifest| manifest.id().clone()),
        version: manifest.map(|manifest| manifest.version().clone()),
        description: subject.description.clone(),
        permissions: requests.iter().map(consent::document).collect(),
        programs,
        triggers: manifest.map(triggers).unwrap_or_default(),
        warnings,
        limits: limits.as_ref().map(CallLimits::from),
        cuts,
        tools: subject.tools.as_ref().map(tools).unwrap_or_default(),
        component,
        package: subject.package.clone(),
    })
}

fn triggers(manifest: &Manifest) -> Vec<TriggerLine> {
    manifest.triggers().iter().map(TriggerLine::from).collect()
}

fn tools(list: &ToolList) -> Vec<InspectedTool> {
    let inspected = list.iter().map(|tool| InspectedTool {
        name: tool.name.clone(),
        description: tool.description.clone(),
        input_schema: tool.input_schema.clone(),
        output_schema: tool.output_schema.clone(),
    });
    inspected.collect()
}

/// The interface of a component, as its bytes tell it.
fn wit(subject: &Subject) -> Result<String> {
    let Some(bytes) = &subject.component else {
        return Err(CliError::new(Exit::NotFound, "not-built", "there is no component yet")
            .hint("openclaw skill build"));
    };
    // It validates before a decoder that trusts its input sees it.
    match Imports::read(bytes) {
        Ok(_) | Err(ComponentError::NotAnInterface { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let unreadable = |reason: String| {
        CliError::new(Exit::Refused, "invalid-component", format!("its interface cannot be read: {reason}"))
    };
    let decoded = wit_component::decode(bytes).map_err(|error| unreadable(format!("{error:#}")))?;
    let (resolve, main) = (decoded.resolve(), decoded.package());
    let others: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != main).collect();
    let mut printer = wit_component::WitPrinter::default();
    printer.print(resolve, main, &others).map_err(|error| unreadable(format!("{error:#}")))?;
    Ok(printer.output.to_string())
}

fn show(inspection: &Inspection, output: &Output) {
    if let (Some(skill), Some(version)) = (&inspection.skill, &inspection.version) {
        output.line(format_args!("{} {version}", heading(skill)));
    }
    show_permissions(inspection, output);
    if let Some(description) = &inspection.description {
        output.line(format_args!("{}\n  {}", heading("says of itself"), one_line(description)));
    }
    if !inspection.tools.is_empty() {
        output.line(heading("tools"));
    }
    for tool in &inspection.tools {
        output.line(format_args!("  {}({})", tool.name, parameters(&tool.input_schema)));
        tool.description.lines().for_each(|line| output.line(dim(format_args!("      {}", one_line(line)))));
    }
    if let Some(limits) = &inspection.limits {
        output.line(format_args!("{}\n  {}", heading("limits of a call"), describe::limits(limits)));
        output.lines(describe::cuts(&inspection.cuts).iter().map(|cut| format!("  {cut}")));
    }
    if let Some(component) = &inspection.component {
        output.line(heading("component"));
        output.line(format_args!("  {}, {}", bytes(component.bytes), component.digest));
        output.lines(grouped(&component.imports).iter().map(|line| dim(format_args!("  imports {line}"))));
    }
    if let Some(package) = &inspection.package {
        output.line(heading("package"));
        let size = package.bytes.map(|size| format!("{}, ", bytes(size))).unwrap_or_default();
        output.line(format_args!("  {size}{}", package.digest));
        output.line(match (&package.signer, package.trusted) {
            (Some(signer), true) => format!("  {} by {signer}", good("signed")),
            (Some(signer), false) => format!("  signed by {signer}, {}", warning("whom you do not trust")),
            (None, _) => {
                format!("  {}: nothing installs it", warning("not signed by a key that you have or trust"))
            }
        });
    }
}

fn show_permissions(inspection: &Inspection, output: &Output) {
    if inspection.skill.is_none() {
        return;
    }
    output.line(heading("permissions"));
    if inspection.permissions.is_empty() {
        output.line("  none");
    }
    for permission in &inspection.permissions {
        output.line(format!("  {} {}", permission.permission, permission.scope).trim_end());
        output.line(format_args!(
            "      {} {}",
            permission.description,
            dim(format_args!("- {}", permission.reason))
        ));
    }
    if !inspection.programs.is_empty() {
        output.lines(inspection.programs.iter().map(|program| format!("  {}", one_line(program))));
        output.line(dim(format_args!("  {}", describe::PROGRAMS_CANNOT)));
    }
    for trigger in &inspection.triggers {
        output.line(format_args!("  asks to {}", one_line(&trigger.words())));
    }
    output.lines(inspection.warnings.iter().map(|text| format!("  {} {}", warning("!"), one_line(text))));
}

/// Interfaces by their packages, a line for each: `wasi:cli@0.2.6: environment, exit`.
fn grouped(imports: &[String]) -> Vec<String> {
    let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for import in imports {
        let (name, version) = import.split_once('@').unwrap_or((import, ""));
        let (package, interface) = name.split_once('/').unwrap_or((name, ""));
        packages.entry(one_line(&format!("{package}@{version}"))).or_default().push(one_line(interface));
    }
    packages
        .into_iter()
        .map(|(package, interfaces)| format!("{package}: {}", interfaces.join(", ")))
        .collect()
}

/// The parameters of a tool, as its schema names them; those that can be left out have a question mark.
fn parameters(schema: &Value) -> String {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let parameter = |name: &String| {
        let mark = if required.contains(&name.as_str()) { "" } else { "?" };
        format!("{}{mark}", one_line(name))
    };
    properties
        .into_iter()
        .flat_map(|properties| properties.keys())
        .map(parameter)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_stand_with_their_package() {
        let imports =
            ["wasi:cli/exit@0.2.6", "wasi:io/poll@0.2.6", "wasi:cli/stdin@0.2.6"].map(str::to_owned);
        assert_eq!(grouped(&imports), ["wasi:cli@0.2.6: exit, stdin", "wasi:io@0.2.6: poll"]);
    }

    #[test]
    fn what_can_be_left_out_is_marked() {
        let schema = serde_json::json!({ "properties": { "name": {}, "times": {} }, "required": ["name"] });
        assert_eq!(parameters(&schema), "name, times?");
        assert_eq!(parameters(&Value::Null), "");
    }
}

//! `openclaw audit`: what was called, what it did and what it was refused; and whether the log is what was written.

use std::path::Path;

use openclaw_runtime::audit::{self, AuditError, Expected, Fault, Query, Record, Verification};
use openclaw_runtime::policy::Policy;

use crate::cli::{Audit, AuditCommand, AuditQuery};
use crate::describe::{grouped, micros};
use crate::environment::Environment;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::json::{AuditHead, AuditVerification};
use crate::output::{Output, bad, dim, good};
use crate::text::one_line;

/// Prints the records that fit, or what was checked.
pub(crate) fn run(arguments: Audit, environment: &Environment, output: &Output) -> Result<Exit> {
    // Left to the parser, --json could not stand before a subcommand either.
    if arguments.command.is_some() && arguments.query != AuditQuery::default() {
        return Err(CliError::usage("verify and head look at the whole log: records cannot be chosen"));
    }
    let dir = environment.data_dir()?;
    let path = dir.audit();
    match arguments.command {
        None => list(&path, arguments.query, output).map(|()| Exit::Ok),
        Some(AuditCommand::Head) => head(&path, output).map(|()| Exit::Ok),
        Some(AuditCommand::Verify { head, pruned_upto }) => {
            let rotation = Policy::load(&dir.policy())?.audit();
            verify(&path, &Expected { rotation, head, pruned_upto }, output)
        }
    }
}

/// Why no more records are wanted.
enum Stop {
    /// Nobody reads them.
    Unread,
    Failed(CliError),
}

impl From<AuditError> for Stop {
    fn from(error: AuditError) -> Self {
        Self::Failed(error.into())
    }
}

fn list(path: &Path, arguments: AuditQuery, output: &Output) -> Result<()> {
    let AuditQuery { skill, tool, caller, since, until, outcome, limit } = arguments;
    let query = Query { skill, tool, caller, since, until, outcome, limit };
    let is_read = || if output.is_read() { Ok(()) } else { Err(Stop::Unread) };
    let listed = if output.is_json() {
        let mut elements = output.elements();
        let listed = audit::search(path, &query, |record| {
            elements.push(&record).map_err(Stop::Failed)?;
            is_read()
        });
        elements.end();
        listed
    } else {
        let heads = ["time", "tool", "version", "caller", "outcome", "took", "fuel", "denied"];
        let mut rows = output.rows(heads);
        let listed = audit::search(path, &query, |record| {
            rows.push(row(&record));
            is_read()
        });
        if rows.end() == 0 {
            output.note("no such call is recorded");
        }
        listed
    };
    match listed {
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Unread) | Ok(0) => Ok(()),
        Ok(unknown) => {
            let words = "lines that are no records, and were passed over";
            output.warn(format_args!("{words}: {}; openclaw audit verify tells more", grouped(unknown)));
            Ok(())
        }
    }
}

fn row(record: &Record) -> [String; 8] {
    let denied = match record.denials.first() {
        Some(first) if record.denial_count > 1 => {
            format!("{} and {} more", one_line(&first.target), record.denial_count - 1)
        }
        Some(first) => one_line(&first.target),
        None => String::new(),
    };
    [
        record.time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        record.tool.to_string(),
        record.version.to_string(),
        one_line(&record.caller),
        one_line(&record.outcome),
        micros(record.duration_us),
        grouped(record.fuel),
        denied,
    ]
}

fn head(path: &Path, output: &Output) -> Result<()> {
    let head = audit::head(path)?;
    if output.is_json() {
        return output.document(&AuditHead { head });
    }
    match head {
        Some(head) => output.line(head),
        None => output.note("nothing is recorded yet"),
    }
    Ok(())
}

fn verify(path: &Path, expected: &Expected, output: &Output) -> Result<Exit> {
    let progress = output.progress("reading the audit log");
    let found = audit::verify(path, expected)?;
    drop(progress);
    let exit = if found.fault_count == 0 { Exit::Ok } else { Exit::Refused };
    if output.is_json() {
        output.document(&AuditVerification { ok: exit == Exit::Ok, found: &found })?;
        return Ok(exit);
    }
    found.faults.iter().for_each(|fault| output.line(told(fault)));
    let untold = found.fault_count - found.faults.len() as u64;
    if untold > 0 {
        output.line(format_args!("{} and {} more", bad("fault:"), grouped(untold)));
    }
    if exit == Exit::Ok {
        output.line(format_args!("{} {}", good("whole:"), summary(&found)));
    } else {
        output.line(format_args!("{} {}", bad("not whole:"), summary(&found)));
        output.note(
            "What is missing or changed cannot be got back from the log; look who could write its directory.",
        );
    }
    remarks(&found, expected).into_iter().for_each(|remark| output.note(dim(remark)));
    Ok(exit)
}

fn told(fault: &Fault) -> String {
    let place = match fault.line {
        Some(line) => format!("{} line {line}", one_line(&fault.file)),
        None => one_line(&fault.file),
    };
    format!("{} {place}: {}", bad("fault:"), one_line(&fault.message))
}

fn summary(found: &Verification) -> String {
    let end =
        found.head.map_or_else(|| "nothing is recorded".to_owned(), |head| format!("it ends with {head}"));
    format!("{} calls in {} files; {end}", grouped(found.records), found.files.len())
}

/// What is no fault, and good to know.
fn remarks(found: &Verification, expected: &Expected) -> Vec<String> {
    let mut remarks = Vec::new();
    if !found.unchained.is_empty() {
        remarks.push(format!("older versions wrote {} without a chain", found.unchained.join(", ")));
    }
    if found.pruned_upto > 0 {
        let why = if found.pruned_upto <= expected.pruned_upto {
            "as you expect"
        } else if expected.rotation.keep_files.is_some() {
            "as policy.toml says"
        } else {
            "before the head that you kept"
        };
        remarks.push(format!("files up to record {} were deleted, {why}", found.pruned_upto));
    }
    if expected.head.is_some_and(|head| head.number < found.pruned_upto) {
        remarks.push("the record of --head is one of them, and was not compared".to_owned());
    }
    if found.repaired > 0 {
        remarks.push(format!(
            "{} torn lines were taken out: a process was killed, or a disk was full",
            found.repaired
        ));
    }
    if found.torn {
        remarks.push(
            "the last line is torn: a process was killed, or a disk was full; the next call takes it out"
                .to_owned(),
        );
    }
    remarks
}

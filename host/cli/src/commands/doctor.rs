//! `openclaw doctor`: whether this machine and the data directory are as they have to be.

mod data;
mod machine;

use crate::environment::Environment;
use crate::error::Result;
use crate::exit::Exit;
use crate::json::{Check, CheckStatus, Doctor};
use crate::output::{Output, bad, dim, good, warning};
use crate::text::{many_lines, one_line};

/// Checks everything; what fails does not keep the rest from being checked.
pub(crate) fn run(environment: &Environment, output: &Output) -> Result<Exit> {
    let progress = output.progress("checking");
    let mut checks = data::directories(environment);
    checks.extend(machine::toolchain());
    checks.extend(machine::kernel());
    checks.extend(data::engine(environment));
    checks.extend(data::state(environment));
    drop(progress);
    let ok = checks.iter().all(|check| check.status != CheckStatus::Fail);
    if output.is_json() {
        output.document(&Doctor { ok, checks })?;
    } else {
        checks.iter().for_each(|check| show(check, output));
        let failed = checks.iter().filter(|check| check.status == CheckStatus::Fail).count();
        output.line(if ok { good("nothing failed") } else { bad(format_args!("{failed} failed")) });
    }
    Ok(if ok { Exit::Ok } else { Exit::Failed })
}

fn show(check: &Check, output: &Output) {
    let mark = match check.status {
        CheckStatus::Ok => good("ok  "),
        CheckStatus::Warn => warning("warn"),
        CheckStatus::Fail => bad("fail"),
    };
    output.line(format_args!("{mark}  {}: {}", check.name, one_line(&check.detail)));
    if let Some(mend) = &check.mend {
        output.line(dim(format_args!("      {}", many_lines(mend))));
    }
}

fn passed(name: impl Into<String>, detail: impl Into<String>) -> Check {
    Check { name: name.into(), status: CheckStatus::Ok, detail: detail.into(), mend: None }
}

fn warned(name: impl Into<String>, detail: impl Into<String>, mend: impl Into<String>) -> Check {
    Check { name: name.into(), status: CheckStatus::Warn, detail: detail.into(), mend: Some(mend.into()) }
}

fn failed(name: impl Into<String>, detail: impl Into<String>, mend: impl Into<String>) -> Check {
    Check { name: name.into(), status: CheckStatus::Fail, detail: detail.into(), mend: Some(mend.into()) }
}

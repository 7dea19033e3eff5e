//! `openclaw registry serve` and `admin`: running a registry. What is done is the server's; here it is shown.

use openclaw_registry_server::command::{Admin, log_to_stderr, stop_signal};
use openclaw_registry_server::{Error, Fault};

use crate::cli::RegistryServe;
use crate::error::{CliError, Result};
use crate::exit::Exit;
use crate::output::Output;

/// Serves until it is told to stop.
pub(super) fn serve(arguments: RegistryServe, output: &Output) -> Result<()> {
    log_to_stderr(arguments.log_format);
    wait(async {
        let show = |ready: &_| {
            if output.is_json() {
                // Standard output that takes nothing is told about when the command ends.
                let _ = output.document(ready);
            } else {
                output.line(ready);
            }
        };
        arguments.serve.run(show, stop_signal()?).await
    })
}

/// Does what only an operator may do.
pub(super) fn admin(admin: Admin, output: &Output) -> Result<Exit> {
    let report = wait(admin.run())?;
    if output.is_json() {
        output.document(&report)?;
    } else {
        output.line(&report);
    }
    Ok(if report.is_success() { Exit::Ok } else { Exit::Failed })
}

/// A registry answers many at once, so all cores wait.
fn wait<T>(future: impl Future<Output = std::result::Result<T, Error>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::from(Fault::Task(error.to_string())))?;
    Ok(runtime.block_on(future)?)
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Failed(Fault::Usage(_)) => Exit::Usage,
            Error::Failed(_) => Exit::Host,
            Error::Refused(_) => Exit::of_code(error.code()),
        };
        let hint = error.hint();
        Self { hint, ..Self::new(exit, error.code(), error.to_string()) }
    }
}

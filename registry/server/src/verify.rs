//! Verifying a whole store: what is signed is checked, and what follows from it is computed anew and compared.

mod blobs;
mod derived;
mod replay;
mod report;

use sqlx::AnyConnection;

use crate::error::Result;
use crate::registry::Registry;

pub use report::{Checked, Problem, Report};

use replay::Replay;

/// Whether what follows from signed things is written anew where it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only looks.
    Look,
    /// Also repairs.
    Repair,
}

/// Verifies the whole store of a registry, while a server may be running on it.
///
/// # Errors
///
/// A store that cannot be read. What it has wrong is in the report.
pub async fn verify(registry: &Registry, mode: Mode) -> Result<Report> {
    let mut report = Report::default();
    if mode == Mode::Repair {
        let mut write = registry.store().write().await?;
        database(write.connection(), mode, &mut report).await?;
        write.commit().await?;
    }
    let mut snapshot = registry.store().snapshot().await?;
    if mode == Mode::Look {
        database(&mut snapshot, mode, &mut report).await?;
    }
    let corrections = blobs::check(registry.blobs(), &mut snapshot, &mut report).await?;
    snapshot.commit().await?;
    blobs::correct(registry, corrections, mode, &mut report).await?;
    blobs::orphans(registry, mode, &mut report).await?;
    Ok(report)
}

/// Verifies the rows of a store and, where they are given, the blobs: before a restored backup is committed.
///
/// # Errors
///
/// A store that cannot be read.
pub(crate) async fn verify_rows(
    connection: &mut AnyConnection,
    blobs: &crate::blobs::Blobs,
) -> Result<Report> {
    let mut report = Report::default();
    database(connection, Mode::Look, &mut report).await?;
    for correction in blobs::check(blobs, connection, &mut report).await? {
        correction.tell(Mode::Look, &mut report);
    }
    Ok(report)
}

async fn database(connection: &mut AnyConnection, mode: Mode, report: &mut Report) -> Result<()> {
    if let Some(replay) = Replay::of_log(connection, mode, report).await? {
        derived::check(connection, &replay, mode, report).await?;
    }
    Ok(())
}

//! What a verification found.

use std::fmt;

use serde::Serialize;

use super::Mode;

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Entries of the log.
    pub entries: u64,
    /// Tiles of the log.
    pub tiles: u64,
    /// Versions of the root.
    pub roots: u64,
    /// Publishers whose history was replayed.
    pub publishers: u64,
    /// Skills whose index was built anew.
    pub skills: u64,
    /// Releases that were held against the log.
    pub releases: u64,
    /// Packages that were verified as a client would.
    pub packages: u64,
    /// Blobs that were hashed.
    pub blobs: u64,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where.
    pub place: String,
    /// What.
    pub fact: String,
    /// Whether it was put right.
    pub repaired: bool,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How much was looked at.
    pub checked: Checked,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Uploads that are under way, or that a crash interrupted.
    pub pending_uploads: u64,
}

impl Report {
    /// Whether nothing is wrong, or nothing any more.
    pub fn is_clean(&self) -> bool {
        self.problems.iter().all(|problem| problem.repaired)
    }

    pub(super) fn problem(&mut self, place: impl Into<String>, fact: impl fmt::Display) {
        self.problems.push(Problem { place: place.into(), fact: fact.to_string(), repaired: false });
    }

    /// Tells of what a repair puts right; it is told after that was done.
    pub(super) fn found(&mut self, mode: Mode, place: impl Into<String>, fact: impl fmt::Display) {
        let repaired = mode == Mode::Repair;
        self.problems.push(Problem { place: place.into(), fact: fact.to_string(), repaired });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checked = &self.checked;
        writeln!(
            f,
            "checked {} entries and {} tiles of the log, {} roots, {} publishers, {} skills, {} releases, \
             {} packages, {} blobs",
            checked.entries,
            checked.tiles,
            checked.roots,
            checked.publishers,
            checked.skills,
            checked.releases,
            checked.packages,
            checked.blobs
        )?;
        if self.pending_uploads > 0 {
            writeln!(
                f,
                "{} uploads are under way, or were interrupted and go at the next start",
                self.pending_uploads
            )?;
        }
        for problem in &self.problems {
            let state = if problem.repaired { "repaired" } else { "WRONG" };
            writeln!(f, "{state}: {}: {}", problem.place, problem.fact)?;
        }
        f.write_str(if self.is_clean() {
            "the store is as it must be"
        } else {
            "the store is damaged: --repair mends what follows from signed things; restore the rest from a backup"
        })
    }
}

//! What a call costs as things grow: installed skills, calls at once, the input, the guest's memory.

mod concurrent;
mod installed;
mod sizes;

use crate::results::Results;
use crate::support::project::Project;

/// Skills that are called, however many are installed.
const HOT: usize = 8;

pub fn measure(results: &mut Results) {
    let project = Project::built();
    installed::measure(&project, results);
    concurrent::measure(&project, results);
    sizes::measure(results);
}

//! The edges of the host: its start, an artefact's way into it, the end of a call, and who is served when it is full.

mod artefact;
mod end;
mod fairness;
mod start;

use crate::results::Results;
use crate::support::project::Project;

pub fn measure(results: &mut Results) {
    let project = Project::built();
    start::measure(&project, results);
    artefact::measure(&project, results);
    end::measure(results);
    fairness::measure(results);
}

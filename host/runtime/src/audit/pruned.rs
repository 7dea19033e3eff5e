//! What a `pruned` event of the log is believed for: whoever can append a line can write one, so it counts only where the
//! policy and the files that are left bear it out, or a head that was kept elsewhere.

use super::chain::Checkpoint;
use super::files::first_by_name;
use super::rotation::Rotation;

/// An event that says that a file was deleted.
#[derive(Clone, Debug)]
pub(super) struct Pruned {
    /// Its own number.
    pub(super) number: u64,
    /// The name of the file.
    pub(super) file: String,
    /// The file's last record.
    pub(super) upto: Checkpoint,
    /// Whether no call is recorded before it in its own file.
    pub(super) begins_file: bool,
}

/// What it is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remains<'a> {
    /// What the policy says.
    pub(super) rotation: Rotation,
    /// How many full files there are.
    pub(super) full_files: u64,
    /// The name of the oldest file.
    pub(super) first_file: &'a str,
    /// A head that was kept elsewhere and that the log still contains.
    pub(super) known: Option<Checkpoint>,
    /// Up to where the owner knows that records were deleted.
    pub(super) pruned_upto: u64,
}

impl Pruned {
    /// Whether the log, which begins after what the event says was deleted, may do so.
    ///
    /// # Errors
    /// What speaks against it, as the end of a sentence.
    pub(super) fn believe(&self, remains: &Remains<'_>) -> Result<(), String> {
        // Nobody wrote it since.
        if remains.known.is_some_and(|known| self.number <= known.number) {
            return Ok(());
        }
        // Files are deleted when a new one is begun, and whole.
        if !self.begins_file {
            return Err("that stands in the middle of a file".to_owned());
        }
        let upto = self.upto.number;
        if first_by_name(remains.first_file).is_some_and(|first| first != upto.saturating_add(1)) {
            return Err(format!("they are not the end of a file: {} begins elsewhere", remains.first_file));
        }
        if first_by_name(&self.file).is_none_or(|first| first > upto) {
            return Err("it names no file that they can have been in".to_owned());
        }
        if upto <= remains.pruned_upto {
            return Ok(());
        }
        let advice = format!("if it said otherwise then, say --pruned-upto {upto}");
        match remains.rotation.keep_files {
            None => Err(format!("policy.toml has no keep_files; {advice}")),
            Some(keep) if remains.full_files < u64::from(keep) => Err(format!(
                "policy.toml keeps {keep} files of {} and {} are there; {advice}",
                remains.rotation.file_size, remains.full_files
            )),
            Some(_) => Ok(()),
        }
    }
}

//! Which files a package has, and what they must say of each other.

use std::io::Read;

use cap_std::fs::Dir;
use serde_json::Value;

use super::{COMPONENT_PATH, MANIFEST_PATH, RefusalError, SKILL_MD_PATH, TOOLS_PATH};
use crate::archive::{ArchiveError, Limits, PackagePath, PathSet};
use crate::manifest::{CommandTrigger, Manifest, Trigger};
use crate::name::SkillId;
use crate::skill_md::SkillMd;
use crate::text::{nearest, quoted};
use crate::tools::ToolList;

/// Directories of a package whose files are free.
pub(super) const FREE: [&str; 2] = ["references", "assets"];

/// The files that every package has.
pub(super) const FIXED: [&str; 4] = [SKILL_MD_PATH, MANIFEST_PATH, COMPONENT_PATH, TOOLS_PATH];

/// The parts of a package that say what it is.
pub(super) struct Parts {
    pub(super) manifest: Manifest,
    pub(super) skill_md: SkillMd,
    pub(super) tools: ToolList,
}

impl Parts {
    /// Reads the parts, and holds the name in SKILL.md against the manifest's and its triggers against the tools.
    pub(super) fn read(
        mut file: impl FnMut(&'static str) -> Result<Vec<u8>, RefusalError>,
    ) -> Result<Self, RefusalError> {
        let manifest = Manifest::from_bytes(&file(MANIFEST_PATH)?)?;
        let skill_md = SkillMd::from_bytes(&file(SKILL_MD_PATH)?)?;
        same("name", SKILL_MD_PATH, skill_md.name().as_str(), manifest.id().name().as_str())?;
        let tools = ToolList::parse(&file(TOOLS_PATH)?)?;
        check_triggers(manifest.triggers(), &tools)?;
        Ok(Self { manifest, skill_md, tools })
    }
}

/// Refuses triggers that call no tool of the skill, or hand it the command where it does not look.
fn check_triggers(triggers: &[Trigger], tools: &ToolList) -> Result<(), RefusalError> {
    for trigger in triggers {
        let name = trigger.tool();
        let Some(tool) = tools.get(name) else {
            let nearest = tools.nearest(name.as_str()).into_iter().next();
            return Err(RefusalError::TriggerWithoutTool { tool: name.clone(), nearest });
        };
        let Trigger::Command(CommandTrigger { input: Some(input), .. }) = trigger else { continue };
        let properties = tool.input_schema.get("properties").and_then(Value::as_object);
        let texts =
            || properties.into_iter().flatten().filter(|(_, schema)| may_be_text(schema, &tool.input_schema));
        if texts().any(|(name, _)| name == input) {
            continue;
        }
        let nearest = nearest(input, texts().map(|(name, _)| name.as_str())).first().map(|near| quoted(near));
        return Err(RefusalError::TriggerWithoutInput { tool: name.clone(), input: input.clone(), nearest });
    }
    Ok(())
}

/// Whether a schema, or the one that it names, does not say that nothing it takes is a text.
fn may_be_text(schema: &Value, whole: &Value) -> bool {
    let named = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#'));
    let schema = named.and_then(|place| whole.pointer(place)).unwrap_or(schema);
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|kind| kind == "string"),
        Some(kind) => kind == "string",
        None => *schema != Value::Bool(false),
    }
}

/// Refuses what is told differently in two places.
pub(super) fn same(
    field: &'static str,
    place: &'static str,
    found: &str,
    expected: &str,
) -> Result<(), RefusalError> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (found.to_owned(), expected.to_owned());
    Err(RefusalError::IdentityMismatch { field, place, found, expected })
}

/// Refuses a package that is another one than was named.
pub(super) fn same_release(
    place: &'static str,
    (found_id, found_version): (&SkillId, &semver::Version),
    (id, version): (&SkillId, &semver::Version),
) -> Result<(), RefusalError> {
    same("name", place, found_id.as_str(), id.as_str())?;
    same("version", place, &found_version.to_string(), &version.to_string())
}

/// Refuses files that have no place in a package or not beside each other, and packages without the files that
/// each has.
pub(super) fn check<'a>(paths: impl Iterator<Item = &'a PackagePath>) -> Result<(), RefusalError> {
    let mut missing: Vec<&str> = FIXED.to_vec();
    let mut set = PathSet::default();
    for path in paths {
        set.insert(path)?;
        let text = path.as_str();
        match text.split_once('/') {
            Some((top, _)) if top.eq_ignore_ascii_case("scripts") => return Err(RefusalError::Scripts),
            Some((top, _)) if FREE.contains(&top) => {}
            _ if FIXED.contains(&text) => missing.retain(|fixed| *fixed != text),
            _ => return Err(RefusalError::ExtraFile(text.to_owned())),
        }
    }
    missing.first().map_or(Ok(()), |path| Err(RefusalError::MissingFile((*path).to_owned())))
}

/// A file of a directory: its path and its length in bytes.
pub(super) type Found = (PackagePath, u64);

/// Every file below a directory, without following links, in byte order of the paths.
pub(super) fn walk(dir: &Dir, limits: Limits) -> Result<Vec<Found>, RefusalError> {
    let mut walk = Walk::new(limits);
    walk.directory(dir, "")?;
    Ok(walk.finish())
}

/// Files as they are found, held against the limits.
pub(super) struct Walk {
    limits: Limits,
    found: Vec<Found>,
    paths: PathSet,
    unpacked: u64,
    seen: usize,
}

impl Walk {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, found: Vec::new(), paths: PathSet::default(), unpacked: 0, seen: 0 }
    }

    /// What was found, in byte order.
    pub(super) fn finish(mut self) -> Vec<Found> {
        self.found.sort();
        self.found
    }

    /// Looks through a directory; `prefix` is its path with a slash at the end, or empty.
    pub(super) fn directory(&mut self, dir: &Dir, prefix: &str) -> Result<(), RefusalError> {
        let shown = if prefix.is_empty() { "the package" } else { prefix };
        for entry in dir.entries().map_err(RefusalError::io(shown))? {
            let entry = entry.map_err(RefusalError::io(shown))?;
            let name = entry.file_name();
            let path: PackagePath = format!("{prefix}{}", name.to_string_lossy()).parse()?;
            let kind = entry.file_type().map_err(RefusalError::io(path.as_str()))?;
            if kind.is_dir() {
                self.bounded()?;
                let below = dir.open_dir(&name).map_err(RefusalError::io(path.as_str()))?;
                self.directory(&below, &format!("{path}/"))?;
            } else {
                let metadata = dir.symlink_metadata(&name).map_err(RefusalError::io(path.as_str()))?;
                self.file(path, &metadata)?;
            }
        }
        Ok(())
    }

    /// Takes one file in.
    pub(super) fn file(
        &mut self,
        path: PackagePath,
        metadata: &cap_std::fs::Metadata,
    ) -> Result<(), RefusalError> {
        if !metadata.is_file() {
            return Err(RefusalError::NotRegular(path.to_string()));
        }
        self.paths.insert(&path)?;
        self.unpacked = self.unpacked.saturating_add(metadata.len());
        if self.unpacked > self.limits.unpacked {
            let limit = self.limits.unpacked;
            return Err(ArchiveError::UnpackedTooLarge { limit, path: path.to_string() }.into());
        }
        self.found.push((path, metadata.len()));
        self.bounded()
    }

    /// Directories count too, so that a tree of empty ones ends as well.
    fn bounded(&mut self) -> Result<(), RefusalError> {
        self.seen += 1;
        let limit = self.limits.files;
        if self.seen > limit.saturating_mul(2) || self.found.len() > limit {
            return Err(ArchiveError::TooManyFiles { limit }.into());
        }
        Ok(())
    }
}

/// Reads a file, at most as many bytes as it had when it was found, and one more to notice that it grew.
pub(super) fn read_file(dir: &Dir, path: &str, size: u64) -> Result<Vec<u8>, RefusalError> {
    let file = dir.open(path).map_err(RefusalError::io(path))?;
    let mut bytes = Vec::new();
    file.take(size.saturating_add(1)).read_to_end(&mut bytes).map_err(RefusalError::io(path))?;
    Ok(bytes)
}

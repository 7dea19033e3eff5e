//! Changes to `policy.toml` that leave its comments and order as their owner wrote them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use openclaw_package::digest::Digest;
use openclaw_package::name::SkillId;
use openclaw_package::permission::AbsolutePath;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::capability::process::program_digest;
use crate::layout::{LayoutError, replace};
use crate::policy::{Policy, PolicyError, Rule};

/// A policy that is being changed.
#[derive(Debug)]
pub struct PolicyFile {
    path: PathBuf,
    document: DocumentMut,
    /// Programs that were read for their digest; reading one again would take its time.
    read: HashMap<AbsolutePath, Option<Digest>>,
}

/// Why a policy cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] LayoutError),
    /// It is not a policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl PolicyFile {
    /// Opens a policy; one that is not there is empty.
    ///
    /// # Errors
    /// See [`PolicyFileError`].
    pub fn open(path: &Path) -> Result<Self, PolicyFileError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "version = 1\n".to_owned(),
            Err(error) => return Err(LayoutError::at(path)(error).into()),
        };
        Policy::parse(&text, path)?;
        let document = text.parse().map_err(|error: toml_edit::TomlError| PolicyError::Invalid {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { path: path.to_owned(), document, read: HashMap::new() })
    }

    /// The policy as it stands.
    ///
    /// # Errors
    /// [`PolicyFileError::Policy`].
    pub fn policy(&self) -> Result<Policy, PolicyFileError> {
        Ok(Policy::parse(&self.document.to_string(), &self.path)?)
    }

    /// Adds an allow rule, and takes away a deny rule of the same words; false if nothing changed. A program that
    /// the rule is about is pinned as it is now.
    pub fn allow(&mut self, skill: &SkillId, rule: &Rule) -> bool {
        let revoked = self.take(skill, "deny", rule);
        let pinned = rule.program().is_some_and(|program| self.pin(program).is_some());
        self.put(skill, "allow", rule) || revoked || pinned
    }

    /// Adds an allow rule by the consent of somebody who is not at the owner's own commands: it takes no deny rule away,
    /// and pins a program only if it has no pin. Another program in its place is the owner's to accept.
    pub fn consent(&mut self, skill: &SkillId, rule: &Rule) {
        if let Some(program) = rule.program()
            && !self.is_pinned(program)
        {
            self.pin(program);
        }
        self.put(skill, "allow", rule);
    }

    fn is_pinned(&self, program: &AbsolutePath) -> bool {
        let programs = self.document.get("programs").and_then(Item::as_table_like);
        programs.is_some_and(|programs| programs.contains_key(program.as_str()))
    }

    /// Pins a program as it is now; the digest, if it is another than before. One that cannot be read, or cannot be
    /// started, is left as it was.
    pub fn pin(&mut self, program: &AbsolutePath) -> Option<Digest> {
        let read = self.read.entry(program.clone());
        let digest = (*read.or_insert_with(|| program_digest(program.as_path()).ok()))?;
        let programs =
            self.document.entry("programs").or_insert(Item::Table(Table::new())).as_table_like_mut()?;
        let known = programs.get(program.as_str()).and_then(Item::as_str).map(str::to_owned);
        if known.as_deref() == Some(&digest.to_string()) {
            return None;
        }
        programs.insert(program.as_str(), value(digest.to_string()));
        Some(digest)
    }

    /// Adds a deny rule, and takes away an allow rule of the same words; false if nothing changed.
    pub fn deny(&mut self, skill: &SkillId, rule: &Rule) -> bool {
        let revoked = self.take(skill, "allow", rule);
        self.put(skill, "deny", rule) || revoked
    }

    /// Takes away a rule, allow or deny; false if there was none.
    pub fn revoke(&mut self, skill: &SkillId, rule: &Rule) -> bool {
        let allowed = self.take(skill, "allow", rule);
        self.take(skill, "deny", rule) || allowed
    }

    /// Takes away all rules of a skill.
    pub fn forget(&mut self, skill: &SkillId) {
        if let Some(skills) = self.document.get_mut("skill").and_then(Item::as_table_like_mut) {
            skills.remove(skill.as_str());
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`PolicyFileError::Policy`] where the change made it invalid, [`PolicyFileError::Io`].
    pub fn save(&self) -> Result<(), PolicyFileError> {
        self.policy()?;
        Ok(replace(&self.path, self.document.to_string().as_bytes())?)
    }

    fn rules(&mut self, skill: &SkillId, list: &str) -> Option<&mut Array> {
        let skills = self.document.entry("skill").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let rules = skills.as_table_like_mut()?.entry(skill.as_str()).or_insert(Item::Table(Table::new()));
        rules.as_table_like_mut()?.entry(list).or_insert(value(Array::new())).as_array_mut()
    }

    fn put(&mut self, skill: &SkillId, list: &str, rule: &Rule) -> bool {
        let text = rule.to_string();
        let Some(rules) = self.rules(skill, list) else { return false };
        if rules.iter().any(|known| known.as_str() == Some(&text)) {
            return false;
        }
        rules.push(text);
        true
    }

    fn take(&mut self, skill: &SkillId, list: &str, rule: &Rule) -> bool {
        let text = rule.to_string();
        let rules = self
            .document
            .get_mut("skill")
            .and_then(|skills| skills.get_mut(skill.to_string()))
            .and_then(|rules| rules.get_mut(list))
            .and_then(Item::as_array_mut);
        let Some(rules) = rules else { return false };
        let before = rules.len();
        rules.retain(|known| known.as_str() != Some(&text));
        rules.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, f: impl FnOnce(&mut PolicyFile)) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        std::fs::write(&path, before).unwrap();
        let mut file = PolicyFile::open(&path).unwrap();
        f(&mut file);
        file.save().unwrap();
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn a_rule_that_is_added_leaves_comments_where_they_are() {
        let skill = "acme/notes".parse().unwrap();
        let before = "# mine\nversion = 1\n\n[ceilings]\nfuel = 5 # small\n";
        let after = change(before, |file| assert!(file.allow(&skill, &Rule::Memory)));
        assert!(after.starts_with(before), "{after}");
        assert!(after.contains("[skill.\"acme/notes\"]\nallow = [\"memory\"]"), "{after}");
    }

    #[test]
    fn allowing_what_is_denied_takes_the_denial_away() {
        let skill = "acme/notes".parse().unwrap();
        let after = change("version = 1\n[skill.\"acme/notes\"]\ndeny = [\"memory\"]\n", |file| {
            assert!(file.allow(&skill, &Rule::Memory));
            assert!(!file.allow(&skill, &Rule::Memory));
        });
        assert!(after.contains("deny = []") && after.contains("allow = [\"memory\"]"), "{after}");
    }

    #[test]
    fn a_file_that_is_not_a_policy_is_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        std::fs::write(&path, "allow_everything = true\n").unwrap();
        assert!(PolicyFile::open(&path).unwrap_err().to_string().contains("allow_everything"));
    }
}

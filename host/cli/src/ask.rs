//! Asks the person at the terminal whether a skill may do what it is not granted.

use async_trait::async_trait;
use openclaw_package::SkillId;
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::consent::Person;

use crate::output::Output;
use crate::text::one_line;

/// Whoever sits at the terminal, if somebody does.
pub(crate) struct Asked {
    is_there: bool,
}

impl Asked {
    /// Somebody, or nobody.
    pub(crate) fn new(is_there: bool) -> Self {
        Self { is_there }
    }
}

#[async_trait]
impl Person for Asked {
    async fn consent(&self, skill: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        if !self.is_there {
            return Vec::new();
        }
        let output = Output::new(false);
        let is_granted = |missing: &Missing| {
            output.note(format_args!("{skill} asks for {}", one_line(&missing.scope)));
            output.note(format_args!("  it says: {}", one_line(&missing.reason)));
            output.confirm("Grant it, for this and later calls?").unwrap_or(false)
        };
        (0..).zip(missing).map(|(at, missing)| (at, is_granted(missing))).collect()
    }
}

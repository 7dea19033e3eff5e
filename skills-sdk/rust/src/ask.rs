//! Questions to the person behind the session.

use std::fmt::{self, Display, Formatter};

use crate::host;

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskError {
    /// Questions were not declared or not granted; the text says what is missing.
    Denied(String),
    /// No person can be asked: a program called, or whoever called has no way to show a question.
    Nobody,
    /// They would not answer, or answered with none of the choices.
    Dismissed,
    /// The call has asked as often as it may: 8 times.
    TooMany,
    /// The question is not one that can be put; the text says why.
    Unavailable(String),
}

impl Display for AskError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => f.write_str(text),
            Self::Nobody => f.write_str("nobody can be asked"),
            Self::Dismissed => f.write_str("the question was not answered"),
            Self::TooMany => f.write_str("the call has asked as often as it may"),
            Self::Unavailable(text) => write!(f, "the question cannot be put: {text}"),
        }
    }
}

impl std::error::Error for AskError {}

/// The person, as `ctx.ask()` gives them.
///
/// While they think, the deadline of the call goes on: `limits.timeout` in the manifest is what they have.
#[derive(Clone, Copy)]
pub struct Ask<'c> {
    /// None where the manifest declares no questions.
    host: Option<&'c dyn host::Ask>,
}

impl<'c> Ask<'c> {
    pub(crate) fn new(host: Option<&'c dyn host::Ask>) -> Self {
        Self { host }
    }

    /// Puts a question of at most 4 KiB, and waits for the answer, which is cut at 16 KiB.
    ///
    /// # Errors
    ///
    /// See [`AskError`].
    pub fn question(&self, text: &str) -> Result<String, AskError> {
        self.host()?.question(text, &[])
    }

    /// Puts a question with up to 16 choices, each of 1 to 200 bytes and all different in more than white space, and waits until
    /// one is chosen.
    ///
    /// ```
    /// use openclaw_skill::FakeContext;
    /// use openclaw_skill::permission::Ask as _;
    ///
    /// let ctx = FakeContext::new().ask(|_, choices| Ok(choices[1].clone())).build();
    /// assert_eq!(ctx.ask().choice("Commit this?", &["yes", "no"]).unwrap(), "no");
    /// ```
    ///
    /// # Errors
    ///
    /// See [`AskError`].
    pub fn choice<'t>(&self, text: &str, choices: &[&'t str]) -> Result<&'t str, AskError> {
        if choices.is_empty() {
            return Err(AskError::Unavailable("there is nothing to choose".to_owned()));
        }
        let offered: Vec<String> = choices.iter().map(|choice| (*choice).to_owned()).collect();
        let answer = self.host()?.question(text, &offered)?;
        choices.iter().find(|choice| **choice == answer).copied().ok_or(AskError::Dismissed)
    }

    /// Whether it is granted, there is somebody, and the call may ask once more.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.host.is_some_and(host::Ask::is_available)
    }

    fn host(&self) -> Result<&'c dyn host::Ask, AskError> {
        self.host.ok_or_else(|| {
            AskError::Denied(
                "the skill's manifest does not declare questions: add `[permission.ask]` to openclaw/skill.toml"
                    .to_owned(),
            )
        })
    }
}

//! What came of a command: its exit code, and what it printed.

use serde_json::Value;

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    /// The command line, for messages.
    pub line: String,
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed as data.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
    /// How long it took.
    pub took: std::time::Duration,
}

impl Ran {
    /// It succeeded; what it printed.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{self}");
        self.stdout
    }

    /// It succeeded; the document that it printed.
    #[track_caller]
    pub fn json(self) -> Value {
        assert_eq!(self.code, Some(0), "{self}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The document that it printed, whether it succeeded or not.
    #[track_caller]
    pub fn json_or_error(self) -> Value {
        let text = if self.code == Some(0) { &self.stdout } else { &self.stderr };
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// It called a tool; what that answered.
    #[track_caller]
    pub fn output(self) -> Value {
        self.json()["output"].take()
    }

    /// What a call was refused, as `reason target`.
    #[track_caller]
    pub fn denials(&self) -> Vec<String> {
        let text = if self.code == Some(0) { &self.stdout } else { &self.stderr };
        let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {self}"));
        let denials = if self.code == Some(0) { &document["denials"] } else { &document["call"]["denials"] };
        let text = |denial: &Value, key: &str| denial[key].as_str().unwrap_or_default().to_owned();
        let line = |denial: &Value| format!("{} {}", text(denial, "reason"), text(denial, "target"));
        denials.as_array().map(|denials| denials.iter().map(line).collect()).unwrap_or_default()
    }

    /// A call was refused something for this reason.
    #[track_caller]
    pub fn was_denied(&self, reason: &str) {
        let denials = self.denials();
        assert!(denials.iter().any(|denial| denial.starts_with(reason)), "{denials:?} in {self}");
    }

    /// It failed; the error that it printed as JSON.
    #[track_caller]
    pub fn error(&self) -> Failure {
        assert!(matches!(self.code, Some(1..=7)), "{self}");
        let document: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error} in {self}"));
        let text = |key: &str| document["error"][key].as_str().map(str::to_owned);
        Failure {
            exit: self.code.unwrap_or(-1),
            code: text("code").unwrap_or_else(|| panic!("no code in {self}")),
            message: text("message").unwrap_or_else(|| panic!("no message in {self}")),
            hint: text("hint"),
            call: document["call"].clone(),
        }
    }

    /// It failed, for a person to read: one line of error and at most one hint; the line of error.
    #[track_caller]
    pub fn error_line(&self) -> String {
        assert!(self.stdout.is_empty(), "{self}");
        self.error_line_beside_output()
    }

    /// The same, where something was printed as well.
    #[track_caller]
    pub fn error_line_beside_output(&self) -> String {
        assert!(matches!(self.code, Some(1..=7)), "{self}");
        let starting = |start: &str| self.stderr.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(starting("error: "), 1, "{self}");
        assert!(starting("hint: ") <= 1, "{self}");
        self.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default().to_owned()
    }

    /// It failed with this code; the error.
    #[track_caller]
    pub fn refused(&self, code: &str) -> Failure {
        let failure = self.error();
        assert_eq!(failure.code, code, "{self}");
        failure
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, stdout, stderr, took } = self;
        write!(f, "`{line}` ended with {code:?} after {took:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Why a command did nothing.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: i32,
    /// The stable code.
    pub code: String,
    /// The fact.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// What a failed call did.
    pub call: Value,
}

impl Failure {
    /// The hint, which there has to be.
    #[track_caller]
    pub fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or_else(|| panic!("no hint: {self:?}"))
    }
}

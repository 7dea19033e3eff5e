//! A call that has begun, until it is recorded: its line is put together when it ends, out of parts that are there.

use std::borrow::Cow;

use jiff::Timestamp;
use openclaw_package::digest::Digest;
use openclaw_package::key::PublicKey;
use semver::Version;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{AuditError, AuditLog, Bytes};
use crate::capability::Denial;
use crate::capability::process::Ran;
use crate::dispatch::{Report, ToolCall};
use crate::policy::Rule;
use crate::redact::Redactor;

/// What every record of a skill has in common, as JSON, written once.
#[derive(Debug)]
pub(crate) struct Subject {
    version: Box<RawValue>,
    package: Box<RawValue>,
    signer: Box<RawValue>,
    grants: Box<RawValue>,
}

impl Subject {
    /// Writes down what a skill is and holds.
    ///
    /// # Errors
    /// One of them has no JSON form.
    pub(crate) fn new(
        version: &Version,
        package: &Digest,
        signer: &PublicKey,
        grants: &[Rule],
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            version: to_raw_value(version)?,
            package: to_raw_value(package)?,
            signer: to_raw_value(signer)?,
            grants: to_raw_value(grants)?,
        })
    }
}

/// A call that has begun. Dropped before it is finished, it is recorded as cancelled.
#[derive(Debug)]
pub(crate) struct Pending<'a> {
    log: &'a AuditLog,
    subject: &'a Subject,
    call: &'a ToolCall,
    time: Timestamp,
    is_recorded: bool,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    /// `ok`, or the code of the error.
    pub(crate) outcome: &'a str,
    /// What it did.
    pub(crate) report: &'a Report,
    /// What passed the edge of the sandbox.
    pub(crate) bytes: Bytes,
    /// Requests sent over the network.
    pub(crate) requests: u64,
    /// Cuts what must not be written down.
    pub(crate) redactor: Redactor,
}

/// A line as [`super::Record`] reads it.
#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    caller: &'a str,
    tool: &'a str,
    version: &'a RawValue,
    package: &'a RawValue,
    signer: &'a RawValue,
    grants: &'a RawValue,
    outcome: &'a str,
    fuel: u64,
    duration_us: u64,
    memory_bytes: u64,
    bytes: Bytes,
    requests: u64,
    #[serde(skip_serializing_if = "<[Denial]>::is_empty")]
    denials: &'a [Denial],
    denial_count: u64,
    #[serde(skip_serializing_if = "<[Ran]>::is_empty")]
    programs: &'a [Ran],
    #[serde(skip_serializing_if = "super::is_zero")]
    tokens: u64,
    #[serde(skip_serializing_if = "super::is_zero")]
    questions: u64,
}

impl<'a> Pending<'a> {
    pub(crate) fn new(log: &'a AuditLog, subject: &'a Subject, call: &'a ToolCall) -> Self {
        Self { log, subject, call, time: Timestamp::now(), is_recorded: false }
    }

    /// Records what came of the call.
    pub(crate) fn finish(mut self, ended: &Ended<'_>) -> Result<(), AuditError> {
        self.record(ended)
    }

    fn record(&mut self, ended: &Ended<'_>) -> Result<(), AuditError> {
        self.is_recorded = true;
        let Subject { version, package, signer, grants } = self.subject;
        let Ended { outcome, report, bytes, requests, redactor } = ended;
        self.log.append(&Line {
            time: self.time,
            caller: &redactor.redact(&self.call.caller),
            tool: self.call.tool.as_str(),
            version,
            package,
            signer,
            grants,
            outcome,
            fuel: report.spent.fuel,
            duration_us: u64::try_from(report.spent.duration.as_micros()).unwrap_or(u64::MAX),
            memory_bytes: report.spent.memory_bytes,
            bytes: *bytes,
            requests: *requests,
            denials: &redacted(&report.denials, |denial| redacted_denial(denial, redactor)),
            denial_count: report.denial_count,
            programs: &redacted(&report.programs, |ran| redacted_program(ran, redactor)),
            tokens: report.tokens,
            questions: report.questions,
        })
    }
}

/// What strangers wrote, without secrets. Most calls have none of it.
fn redacted<T: Clone>(all: &[T], redact: impl Fn(&T) -> T) -> Cow<'_, [T]> {
    if all.is_empty() { Cow::Borrowed(all) } else { Cow::Owned(all.iter().map(redact).collect()) }
}

fn redacted_denial(denial: &Denial, redactor: &Redactor) -> Denial {
    let owned = |text: &str| redactor.redact(text).into_owned();
    Denial { target: owned(&denial.target), hint: denial.hint.as_deref().map(owned), ..denial.clone() }
}

fn redacted_program(ran: &Ran, redactor: &Redactor) -> Ran {
    let owned = |text: &str| redactor.redact(text).into_owned();
    Ran {
        command: owned(&ran.command),
        program: owned(&ran.program.to_string_lossy()).into(),
        held_back: ran.held_back.iter().map(|name| owned(name)).collect(),
        ..ran.clone()
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.is_recorded {
            return;
        }
        let bytes = Bytes { input: self.call.input.len() as u64, ..Bytes::default() };
        let (report, redactor) = (Report::default(), Redactor::patterns());
        let ended = Ended { outcome: "cancelled", report: &report, bytes, requests: 0, redactor };
        if let Err(error) = self.record(&ended) {
            tracing::error!("a cancelled call is not recorded: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Query, Record, Rotation, search};
    use crate::capability::{Capability, Reason};

    fn all(path: &std::path::Path) -> Vec<Record> {
        let mut records = Vec::new();
        let kept = search(path, &Query::default(), |record| {
            records.push(record);
            Ok::<_, AuditError>(())
        });
        assert_eq!(kept.unwrap(), 0, "every line is a record");
        records
    }

    #[test]
    fn no_secret_of_a_stranger_is_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.ndjson");
        let key = openclaw_package::key::SigningKey::generate().unwrap().public_key();
        let subject = Subject::new(&"1.2.3".parse().unwrap(), &Digest::of(b"x"), &key, &[]).unwrap();
        let (secret, token) = ("hunter22-is-exact", "ghp_0123456789abcdefghijABCDEFGHIJ456789");
        let call = ToolCall {
            tool: "acme/x/run".parse().unwrap(),
            input: secret.to_owned(),
            caller: format!("agent {token}"),
            workspace: None,
            observer: None,
            respondent: None,
        };
        let target = format!("GET https://h/{secret}?token={token}");
        let denial = Denial::new(Capability::Memory, &target, Reason::NotGranted).with_hint(&target);
        let ran = Ran {
            command: format!("git push https://x:{secret}@h/"),
            program: format!("/opt/{secret}/git").into(),
            exit: "0".to_owned(),
            cpu_ms: 1,
            unconfined: false,
            held_back: vec![token.to_owned()],
        };
        let report =
            Report { denials: vec![denial], denial_count: 1, programs: vec![ran], ..Report::default() };
        let values = crate::redact::Values::new([secret.as_bytes()]).unwrap();
        let redactor = Redactor::with(std::sync::Arc::new(values));
        let log = AuditLog::open(&path, Rotation::default()).unwrap();
        let ended = Ended { outcome: "ok", report: &report, bytes: Bytes::default(), requests: 0, redactor };
        Pending::new(&log, &subject, &call).finish(&ended).unwrap();
        drop(log);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(secret) && !text.contains(token), "{text}");
        let record = all(&path).pop().unwrap();
        assert_eq!(record.caller, "agent [redacted:token]");
        assert_eq!(record.denials[0].target, "GET https://h/[redacted:secret]?token=[redacted:secret]");
        assert_eq!(record.programs[0].command, "git push https://x:[redacted:secret]@h/");
    }

    #[test]
    fn a_line_is_read_as_the_record_that_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.ndjson");
        let key = openclaw_package::key::SigningKey::generate().unwrap().public_key();
        let rules = ["memory".parse().unwrap(), "filesystem:read /tmp/x".parse().unwrap()];
        let subject = Subject::new(&"1.2.3".parse().unwrap(), &Digest::of(b"x"), &key, &rules).unwrap();
        let call = ToolCall {
            tool: "acme/x/run".parse().unwrap(),
            input: "{}".to_owned(),
            caller: "a \"caller\"".to_owned(),
            workspace: None,
            observer: None,
            respondent: None,
        };
        let denial = Denial::new(Capability::Memory, "memory", Reason::NotGranted).with_hint("do");
        let report = Report {
            denials: vec![denial.clone()],
            denial_count: 7,
            tokens: 9,
            questions: 2,
            ..Report::default()
        };
        let log = AuditLog::open(&path, Rotation::default()).unwrap();
        let bytes = Bytes { input: 2, output: 3, ..Bytes::default() };
        let redactor = Redactor::patterns();
        let ended = Ended { outcome: "ok", report: &report, bytes, requests: 4, redactor };
        Pending::new(&log, &subject, &call).finish(&ended).unwrap();
        drop(Pending::new(&log, &subject, &call));
        drop(log);
        let records = all(&path);
        let [first, second] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!((first.caller.as_str(), first.tool.as_str()), ("a \"caller\"", "acme/x/run"));
        assert_eq!((first.package, first.signer.as_ref()), (Some(Digest::of(b"x")), Some(&key)));
        assert_eq!((&first.grants[..], first.version.to_string().as_str()), (&rules[..], "1.2.3"));
        assert_eq!((first.bytes, first.requests, first.denial_count), (bytes, 4, 7));
        assert_eq!((first.tokens, second.tokens), (9, 0));
        assert_eq!((first.questions, second.questions), (2, 0));
        assert_eq!(first.denials, [denial]);
        assert_eq!((second.outcome.as_str(), second.bytes.input, second.denials.len()), ("cancelled", 2, 0));
    }
}

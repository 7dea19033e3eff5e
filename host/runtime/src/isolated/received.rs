//! What a worker says of a call is a stranger's word: it may have been taken over. What is shown, recorded or pasted
//! of it is made harmless here, and held to the limits that the host's own process keeps.

use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_package::name::SkillId;

use crate::capability::log::Log;
use crate::capability::{Denial, Denials, hides, shown};
use crate::dispatch::Report;
use crate::sandbox::{Fault, Limits};

/// The most characters of a text that explains something.
const TEXT: usize = 4_096;

/// A report that can be shown.
pub(super) fn report(report: Report, skill: &SkillId, limits: &Limits, took: Duration) -> Report {
    let Report { mut spent, denials, denial_count, log, log_dropped, .. } = report;
    spent.fuel = spent.fuel.min(limits.fuel);
    spent.memory_bytes = spent.memory_bytes.min(limits.memory_bytes);
    spent.duration = spent.duration.min(took);
    let (log, dropped_here) = Log::of(log).take();
    let kept: Vec<_> =
        denials.into_iter().take(Denials::KEPT).map(|denial| harmless(denial, skill)).collect();
    Report {
        spent,
        denial_count: denial_count.max(kept.len() as u64),
        denials: kept,
        // The host ran them, and knows.
        programs: Vec::new(),
        tokens: 0,
        questions: 0,
        log,
        log_dropped: log_dropped.saturating_add(dropped_here),
    }
}

/// A fault that can be shown.
pub(super) fn fault(fault: Fault) -> Fault {
    match fault {
        Fault::Trap(reason) => Fault::Trap(text(&reason)),
        Fault::Host(reason) => Fault::Host(text(&reason)),
        Fault::Worker(reason) => Fault::Worker(text(&reason)),
        fault => fault,
    }
}

/// A path that can be shown.
pub(super) fn path(path: &Path) -> PathBuf {
    text(&path.to_string_lossy()).into()
}

/// A text that can be shown.
pub(super) fn text(text: &str) -> String {
    text.chars().take(TEXT).flat_map(shown).collect()
}

fn harmless(mut denial: Denial, skill: &SkillId) -> Denial {
    denial.target = text(&denial.target).chars().take(256).collect();
    denial.hint = denial.hint.filter(|hint| is_grant_of(hint, skill));
    denial
}

/// Whether a command does nothing but grant something to this skill: an owner may paste it into a shell.
fn is_grant_of(command: &str, skill: &SkillId) -> bool {
    let Some(scope) = command.strip_prefix(&format!("openclaw grant allow {skill} ")) else { return false };
    let mut quoted = false;
    let plain = scope.chars().all(|character| match character {
        '\'' => {
            quoted = !quoted;
            true
        }
        ' ' => true,
        _ if quoted => !hides(character),
        _ => character.is_ascii_alphanumeric() || matches!(character, ':' | ',' | '/' | '.' | '-' | '_'),
    });
    plain && !quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Capability, Reason};

    fn skill() -> SkillId {
        "acme/x".parse().unwrap()
    }

    #[test]
    fn only_a_grant_of_the_skill_is_a_hint() {
        let is_one = |command: &str| is_grant_of(command, &skill());
        assert!(is_one("openclaw grant allow acme/x memory"));
        assert!(is_one("openclaw grant allow acme/x filesystem:read '$workspace'"));
        assert!(is_one("openclaw grant allow acme/x network GET 'https://h/a?b=c&d'"));
        assert!(!is_one("openclaw grant allow acme/y memory"));
        assert!(!is_one("openclaw grant allow acme/x memory; rm -rf ~"));
        assert!(!is_one("openclaw grant allow acme/x memory $(reboot)"));
        assert!(!is_one("openclaw grant allow acme/x memory\nreboot"));
        assert!(!is_one("openclaw grant allow acme/x filesystem:read 'open"));
        assert!(!is_one("reboot"));
    }

    #[test]
    fn what_a_worker_says_can_neither_hide_nor_overflow() {
        let denial = Denial {
            capability: Capability::Memory,
            target: format!("\u{1b}[2J{}", "x".repeat(10_000)),
            reason: Reason::NotGranted,
            hint: Some("reboot".to_owned()),
        };
        let told = Report { denials: vec![denial; 100], ..Report::default() };
        let shown = report(told, &skill(), &Limits::DEFAULT, Duration::from_secs(1));
        assert_eq!(shown.denials.len(), Denials::KEPT);
        assert!(shown.denials.iter().all(|denial| denial.hint.is_none()));
        assert!(
            shown
                .denials
                .iter()
                .all(|denial| denial.target.len() <= 256 && !denial.target.contains('\u{1b}'))
        );
        assert_eq!(fault(Fault::Trap("a\u{202e}b".to_owned())), Fault::Trap("a\\u{202e}b".to_owned()));
    }
}

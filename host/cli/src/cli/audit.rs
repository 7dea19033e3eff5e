//! The command line of `openclaw audit`: which records are wanted, and what is to be checked.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use openclaw_package::SkillId;
use openclaw_runtime::audit::{Checkpoint, Outcome};

/// `openclaw audit`: a list, unless a subcommand asks for something else.
#[derive(Debug, Args)]
#[command(after_help = "Times are RFC 3339, a day in UTC, or how long ago: 90s, 30m, 2h, 3d, 1w.

Examples:
  openclaw audit --limit 20
  openclaw audit --since 2h --outcome denied
  openclaw audit --skill acme/notes --caller cli --json
  openclaw audit --since 2026-11-01 --until 2026-12-01T00:00:00Z --outcome error
  openclaw audit verify")]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    #[command(flatten)]
    pub(crate) query: AuditQuery,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that no record was removed, edited, moved or put in
    #[command(
        after_help = "Ends with 3 if something is wrong. The chain proves that nothing was changed by somebody \
        who could not chain the whole rest anew; keep what `openclaw audit head` prints where the log's writer \
        cannot change it, and compare with it later.\n\n\
        Examples:\n  openclaw audit verify\n  openclaw audit verify --head 1204:sha256:… --json\n  openclaw audit verify --pruned-upto 400"
    )]
    Verify {
        /// What `openclaw audit head` printed earlier: the log must still contain it
        #[arg(long, value_name = "NUMBER:DIGEST")]
        head: Option<Checkpoint>,
        /// Records up to this one were deleted, and you know it: accepted where policy.toml does not (or no longer) keep so
        /// few files, or where the record of --head is one of them
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        pruned_upto: u64,
    },
    /// Print the number of the last record and the digest of its line
    #[command(
        after_help = "Examples:\n  openclaw audit head\n  openclaw audit head >> /mnt/elsewhere/audit-heads"
    )]
    Head,
}

/// Which records are wanted.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct AuditQuery {
    /// Only calls of this skill
    #[arg(long)]
    pub(crate) skill: Option<SkillId>,
    /// Only calls of this tool: greet, or acme/hello/greet
    #[arg(long)]
    pub(crate) tool: Option<String>,
    /// Only calls of this caller: cli, mcp, or the name of a token
    #[arg(long)]
    pub(crate) caller: Option<String>,
    /// Only calls that began then or later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// Only calls that began before
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) until: Option<Timestamp>,
    /// Only calls that ended so: ok, denied, error (all but ok), or the code of an error
    #[arg(long)]
    pub(crate) outcome: Option<Outcome>,
    /// Only the last calls
    #[arg(long, visible_alias = "last", value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// A moment: RFC 3339, the beginning of a day in UTC, or so long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    let ago = ago(text).and_then(|ago| Timestamp::now().checked_sub(ago).ok());
    let day = || text.parse::<Date>().ok().and_then(|day| format!("{day}T00:00:00Z").parse().ok());
    ago.or_else(|| text.parse().ok()).or_else(day).ok_or_else(|| {
        "write 2026-11-26T09:15:00Z, 2026-11-26, or how long ago: 90s, 30m, 2h, 3d, 1w".to_owned()
    })
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(SignedDuration::from_secs(seconds.checked_mul(i64::from(count))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_three_ways() {
        let at = |text: &str| moment(text).map(|moment| moment.to_string());
        assert_eq!(at("2026-11-26T10:15:00+01:00").unwrap(), "2026-11-26T09:15:00Z");
        assert_eq!(at("2026-11-26").unwrap(), "2026-11-26T00:00:00Z");
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("3d", 259_200), ("1w", 604_800)]
        {
            let then = moment(text).unwrap();
            let ago = Timestamp::now().duration_since(then).as_secs();
            assert!((seconds..seconds + 60).contains(&ago), "{text} was {ago} seconds ago");
        }
        for text in ["", "h", "-2h", "2 h", "2y", "yesterday", "2026-13-01", "09:15", "99999999999w"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}

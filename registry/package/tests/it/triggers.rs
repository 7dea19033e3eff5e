//! Triggers: schedules and when they come true, and the tools that they call.

use std::collections::BTreeMap;

use openclaw_package::manifest::{CommandPattern, MAX_COMMAND_LEN, Missed, Overlap};
use openclaw_package::registry::api::TriggerLine;
use openclaw_package::{Manifest, PackagePath, PackageSource, RefusalError, Schedule, Trigger, ZoneName};
use proptest::prelude::*;

use crate::common::{MANIFEST, TOOLS, hello_files, path};

const HEAD: &str = "[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";

fn trigger(schedule: &str, tool: &str) -> String {
    format!("[[trigger]]\ntype = \"cron\"\nschedule = \"{schedule}\"\ntool = \"{tool}\"\n")
}

fn refusal(rest: &str) -> String {
    let error = Manifest::parse(&format!("{HEAD}{rest}")).expect_err(rest);
    format!("{error} [{}] {}", error.code(), error.hint().unwrap())
}

fn command(pattern: &str, tool: &str) -> String {
    format!("[[trigger]]\ntype = \"command\"\npattern = {pattern:?}\ntool = \"{tool}\"\n")
}

fn read(rest: &str) -> Vec<Trigger> {
    let manifest = Manifest::parse(&format!("{HEAD}{rest}")).unwrap_or_else(|error| panic!("{error}"));
    manifest.triggers().to_vec()
}

#[test]
fn a_manifest_says_when_tools_are_called() {
    let text = format!("{}{}", trigger("0 9,18 * * *", "auto-pull"), trigger(" */5  *\t* * * ", "auto-pull"));
    let found: Vec<String> =
        read(&text.replace('\t', "\\t")).iter().map(|trigger| TriggerLine::from(trigger).words()).collect();
    assert_eq!(
        found,
        [
            "have auto-pull called by itself, at 0 9,18 * * * (UTC)",
            "have auto-pull called by itself, at */5 * * * * (UTC)"
        ]
    );
    assert!(Manifest::parse(HEAD).unwrap().triggers().is_empty());
}

#[test]
fn a_schedule_has_a_zone_and_says_what_becomes_of_runs_that_cannot_be() {
    let rest = "timezone = \"Europe/Berlin\"\nmissed = \"once\"\noverlap = \"queue\"\n";
    let [Trigger::Cron(bare), Trigger::Cron(full)] =
        &read(&format!("{0}{0}{rest}", trigger("0 9 * * *", "pull")))[..]
    else {
        panic!("two schedules");
    };
    assert_eq!((bare.timezone.as_str(), bare.missed, bare.overlap), ("UTC", Missed::Skip, Overlap::Skip));
    assert_eq!(
        (full.timezone.as_str(), full.missed, full.overlap),
        ("Europe/Berlin", Missed::Once, Overlap::Queue)
    );
    assert_eq!(
        TriggerLine::from(&Trigger::Cron(full.clone())).words(),
        "have pull called by itself, at 0 9 * * * (Europe/Berlin), and once for times that were missed, and again \
         after a run that takes too long"
    );
}

#[test]
fn a_pattern_is_held_against_a_whole_command() {
    let text = format!("{}input = \"text\"\n{}", command("git( .*)?", "run"), command("a|b", "run"));
    let [Trigger::Command(git), Trigger::Command(either)] = &read(&text)[..] else {
        panic!("two commands");
    };
    assert_eq!((git.input.as_deref(), either.input.as_deref()), (Some("text"), None));
    for (pattern, command, fits) in [
        (git, "git", true),
        (git, "git status", true),
        (git, "gitk", false),
        (git, "a git", false),
        (git, "git status\nrm", false),
        (either, "a", true),
        (either, "b", true),
        (either, "ab", false),
        (either, "xa", false),
        (either, "bx", false),
    ] {
        assert_eq!(pattern.pattern.matches(command), fits, "{} {command:?}", pattern.pattern);
    }
    let line = TriggerLine::from(&Trigger::Command(git.clone()));
    assert_eq!(
        line.words(),
        "have run called for commands that match git( .*)?, with the command as its text"
    );
}

#[test]
fn a_hostile_pattern_is_refused_or_costs_little() {
    let any: CommandPattern = ".*".parse().unwrap();
    assert!(any.matches(&"x".repeat(MAX_COMMAND_LEN)) && !any.matches(&"x".repeat(MAX_COMMAND_LEN + 1)));
    // Catastrophic for whoever backtracks.
    let nested: CommandPattern = "(?:(?:a|aa)+)+b".parse().unwrap();
    assert!(!nested.matches(&"a".repeat(MAX_COMMAND_LEN)));
    let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
    for (pattern, problem) in [
        ("", "it is empty"),
        ("a)|(?:b", "unopened group"),
        ("(?:a", "unclosed group"),
        ("(?:(?:a{99}){99}){99}", "compiled, it is larger than 131072 bytes"),
        (r"(?:\w{9}){99}", "compiled, it is larger than 131072 bytes"),
        (&deep, "exceed the maximum number of nested parentheses/brackets (32)"),
        (r"(a)\1", "backreferences are not supported"),
        ("(?x)a # comment", "unclosed group"),
        ("a\u{202e}b", "it has U+202E at byte 1"),
        (&"a".repeat(257), "it is longer than 256 bytes"),
    ] {
        let error = pattern.parse::<CommandPattern>().expect_err(pattern);
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-pattern", true));
    }
}

#[test]
fn a_zone_has_the_form_of_a_name() {
    for good in
        ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"]
    {
        assert_eq!(good.parse::<ZoneName>().unwrap().to_string(), good);
    }
    let long = "a".repeat(65);
    for bad in [
        "",
        "/",
        "Europe/",
        "/etc/passwd",
        "../etc",
        "Europe/../x",
        "Europe Berlin",
        "+02:00",
        "A\0",
        "É",
        &long,
    ] {
        let error = bad.parse::<ZoneName>().expect_err(bad);
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-timezone", true), "{bad}");
    }
}

#[test]
fn a_line_that_was_written_before_there_were_commands_is_read() {
    let line: TriggerLine = serde_json::from_str(r#"{"tool":"pull","schedule":"0 9 * * *"}"#).unwrap();
    assert_eq!(line.words(), "have pull called by itself, at 0 9 * * * (UTC)");
    let command = TriggerLine::from(&read(&command("git.*", "run"))[0]);
    let json = serde_json::to_string(&command).unwrap();
    assert_eq!(json, r#"{"tool":"run","type":"command","pattern":"git.*"}"#);
    assert_eq!(serde_json::from_str::<TriggerLine>(&json).unwrap(), command);
}

#[test]
fn a_schedule_and_a_pattern_that_read_alike_are_two_triggers() {
    assert_eq!(
        read(&format!("{}{}", trigger("0 9 * * *", "pull"), command("0 9 * * * UTC", "pull"))).len(),
        2
    );
}

#[test]
fn mistakes_of_a_trigger_are_told_with_place_and_remedy() {
    let cron = trigger("0 9 * * *", "pull");
    let git = command("git.*", "run");
    insta::assert_snapshot!(refusal(&trigger("0 9 * *", "pull")), @r#"skill.toml:7:12: schedule "0 9 * *": it has fewer than five fields [invalid-schedule] write minute, hour, day of month, month and day of week, for example "0 9 * * mon-fri""#);
    insta::assert_snapshot!(refusal(&trigger("60 9 * * *", "pull")), @r#"skill.toml:7:12: schedule "60 9 * * *": the minute has "60", which is not from 0 to 59 [invalid-schedule] write minute, hour, day of month, month and day of week, for example "0 9 * * mon-fri""#);
    insta::assert_snapshot!(refusal(&trigger("0 9 31 feb *", "pull")), @r#"skill.toml:7:12: schedule "0 9 31 feb *": no month has such a day [invalid-schedule] write minute, hour, day of month, month and day of week, for example "0 9 * * mon-fri""#);
    insta::assert_snapshot!(refusal(&cron.replace("\"cron\"", "\"crom\"")), @r#"skill.toml:6:8: "type": there is no trigger "crom" [invalid-value] write type = "cron" or type = "command""#);
    insta::assert_snapshot!(refusal(&format!("{cron}timezone = \"Europe Berlin\"")), @r#"skill.toml:9:12: timezone "Europe Berlin": it has not the form of an IANA name [invalid-timezone] write a name as "Europe/Berlin" or "UTC""#);
    insta::assert_snapshot!(refusal(&format!("{cron}timezone = 2")), @r#"skill.toml:9:12: "timezone" is a whole number, not a text in quotes [wrong-type] write a text in quotes"#);
    insta::assert_snapshot!(refusal(&format!("{cron}missed = \"onec\"")), @r#"skill.toml:9:10: "missed": "onec" is not one of skip, once [invalid-value] did you mean "once"?"#);
    insta::assert_snapshot!(refusal(&format!("{cron}overlap = \"once\"")), @r#"skill.toml:9:11: "overlap": "once" is not one of skip, queue [invalid-value] known here: skip, queue"#);
    insta::assert_snapshot!(refusal(&format!("{cron}pattern = \"git.*\"")), @r#"skill.toml:9:1: unknown key "pattern" in a [[trigger]] of type = "cron" [unknown-key] remove it: it belongs to type = "command""#);
    insta::assert_snapshot!(refusal(&format!("{cron}time_zone = \"UTC\"")), @r#"skill.toml:9:1: unknown key "time_zone" in [[trigger]] [unknown-key] did you mean "timezone"?"#);
    insta::assert_snapshot!(refusal(&git.replace("git.*", "git(")), @r#"skill.toml:7:11: pattern "git(": unclosed group [invalid-pattern] write a regular expression for the whole command, for example "git( .*)?""#);
    insta::assert_snapshot!(refusal(&git.replace("git.*", "")), @r#"skill.toml:7:11: pattern "": it is empty [invalid-pattern] write a regular expression for the whole command, for example "git( .*)?""#);
    insta::assert_snapshot!(refusal(&git.replace("\npattern = \"git.*\"", "")), @r#"skill.toml:5:1: [[trigger]] has no "pattern" [missing-key] add pattern"#);
    insta::assert_snapshot!(refusal(&format!("{git}schedule = \"0 9 * * *\"")), @r#"skill.toml:9:1: unknown key "schedule" in a [[trigger]] of type = "command" [unknown-key] remove it: it belongs to type = "cron""#);
    insta::assert_snapshot!(refusal(&format!("{git}timezone = \"UTC\"")), @r#"skill.toml:9:1: unknown key "timezone" in a [[trigger]] of type = "command" [unknown-key] remove it: it belongs to type = "cron""#);
    insta::assert_snapshot!(refusal(&format!("{git}missed = \"once\"")), @r#"skill.toml:9:1: unknown key "missed" in a [[trigger]] of type = "command" [unknown-key] remove it: it belongs to type = "cron""#);
    insta::assert_snapshot!(refusal(&format!("{git}overlap = \"skip\"")), @r#"skill.toml:9:1: unknown key "overlap" in a [[trigger]] of type = "command" [unknown-key] remove it: it belongs to type = "cron""#);
    insta::assert_snapshot!(refusal(&format!("{git}input = \"a b\"")), @r#"skill.toml:9:9: "input": it is not the name of a property: letters, digits, - and _, at most 64 [invalid-value] name the property of the tool's input that takes the command"#);
    insta::assert_snapshot!(refusal(&format!("{git}inptu = \"text\"")), @r#"skill.toml:9:1: unknown key "inptu" in [[trigger]] [unknown-key] did you mean "input"?"#);
    insta::assert_snapshot!(refusal(&format!("{cron}{}", trigger("0  9 * * *", "pull"))), @r#"skill.toml:11:12: "0 9 * * * UTC pull" stands in two entries [duplicate-entry] remove one of the two"#);
    insta::assert_snapshot!(refusal(&format!("{git}{git}")), @r#"skill.toml:11:11: "git.* run" stands in two entries [duplicate-entry] remove one of the two"#);
    insta::assert_snapshot!(refusal("[[trigger]]\ntype = \"cron\"\nschedule = \"0 9 * * *\""), @r#"skill.toml:5:1: [[trigger]] has no "tool" [missing-key] add tool"#);
    insta::assert_snapshot!(refusal("[[trigger]]\nschedule = \"0 9 * * *\"\ntool = \"pull\""), @r#"skill.toml:5:1: [[trigger]] has no "type" [missing-key] add type"#);
    assert!(refusal(&trigger("0 9 * * *", "Pull")).contains("[invalid-name]"));
    assert!(refusal("[trigger]\ntype = \"cron\"").contains("[wrong-type]"));
    let many =
        |count: usize| (0..count).map(|n| trigger(&format!("{n} 9 * * *"), "pull")).collect::<String>();
    assert!(refusal(&many(33)).contains("[invalid-value]"));
    assert_eq!(Manifest::parse(&format!("{HEAD}{}", many(32))).unwrap().triggers().len(), 32);
}

#[test]
fn schedules_have_five_fields_of_cron() {
    for good in [
        "* * * * *",
        "0 0 1 1 0",
        "59 23 31 12 7",
        "*/5 */2 */3 */4 */6",
        "1-5,7,10-20/5 0 * * *",
        "0 0 * jan-DEC mon,Fri",
        "0 0 29 feb *",
        "00 09 * * *",
        "0 0 * * fri-7",
        "0 0 31 2 mon",
        "*/59 * * * *",
    ] {
        let schedule: Schedule = good.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(schedule.to_string(), good);
        assert!(schedule.next_after(0).is_some());
        let stored = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&stored).unwrap(), schedule);
    }
    let long = format!("{}0 * * * *", "0,".repeat(150));
    for bad in [
        "",
        "*",
        "* * * *",
        "* * * * * *",
        "@daily",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 0 *",
        "* * * 13 *",
        "* * * * 8",
        "-1 * * * *",
        "1- * * * *",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/60 * * * *",
        "5/2 * * * *",
        "*/ * * * *",
        "/5 * * * *",
        "** * * * *",
        "*-5 * * * *",
        "1,,2 * * * *",
        ", * * * *",
        "1.5 * * * *",
        "+1 * * * *",
        "001 * * * *",
        "* * L * *",
        "* * ? * *",
        "* * 15W * *",
        "* * * * 5#2",
        "* * * * +mon",
        "* * * january *",
        "* * mon * *",
        "* jan * * *",
        "* * * mon *",
        "* * * * fri-sun",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "1/2/3 * * * *",
        "1-2-3 * * * *",
        "٠ * * * *",
        &long,
    ] {
        let error = bad.parse::<Schedule>().expect_err(bad);
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-schedule", true), "{bad}");
    }
}

#[test]
fn the_next_time_is_the_first_one_after() {
    // 2026-11-26T01:26:10Z, a Thursday.
    let now = 1_795_656_370;
    for (schedule, next) in [
        ("* * * * *", 1_795_656_420),
        ("26 1 * * *", now - 10 + 86_400),
        ("27 1 * * *", 1_795_656_420),
        ("0 9 * * mon-fri", 1_795_683_600),
        ("0 0 * * sun", 1_795_910_400),
        ("0 0 * * 7", 1_795_910_400),
        ("0 0 1 1 *", 1_798_761_600),
        ("0 0 29 2 *", 1_835_395_200),
        // Where neither day begins with *, one of them is enough: Friday comes before the 13th.
        ("0 0 13 * fri", 1_795_737_600),
        // The step counts as a *, so that both must hold: the next Friday of an odd day.
        ("0 0 */2 * fri", 1_795_737_600),
    ] {
        assert_eq!(schedule.parse::<Schedule>().unwrap().next_after(now), Some(next), "{schedule}");
    }
    let each: Schedule = "* * * * *".parse().unwrap();
    assert_eq!(
        [each.next_after(-61), each.next_after(-60), each.next_after(-1)],
        [Some(-60), Some(0), Some(0)]
    );
    assert_eq!(
        [each.next_after(0), each.next_after(59), each.next_after(60)],
        [Some(60), Some(60), Some(120)]
    );
    for far in [i64::MIN, i64::MIN + 60, i64::MAX, i64::MAX - 60] {
        let _ = each.next_after(far);
    }
}

/// Whether a value is in a field, told item by item.
fn has(field: &str, value: u32, least: u32, greatest: u32) -> bool {
    field.split(',').any(|item| {
        let (span, step) =
            item.split_once('/').map_or((item, 1), |(span, step)| (span, step.parse().unwrap()));
        let (first, last) = match span.split_once('-') {
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None if span == "*" => (least, greatest),
            None => (span.parse().unwrap(), span.parse().unwrap()),
        };
        (first..=last).contains(&value) && (value - first).is_multiple_of(step)
    })
}

/// The first time after another, found by going through each day from 1970 on and each minute of it.
fn slowly(text: &str, after: i64) -> Option<i64> {
    let fields: Vec<&str> = text.split(' ').collect();
    let (mut year, mut month, mut day, mut weekday) = (1970, 1, 1, 4);
    for date in 0..365 * 80 {
        let by_day = has(fields[2], day, 1, 31);
        let by_weekday = has(fields[4], weekday, 0, 7) || weekday == 0 && has(fields[4], 7, 0, 7);
        let either = !fields[2].starts_with('*') && !fields[4].starts_with('*');
        let days = if either { by_day || by_weekday } else { by_day && by_weekday };
        if days && has(fields[3], month, 1, 12) && (date + 1) * 86_400 > after {
            for minute in 0..1440 {
                let time = date * 86_400 + i64::from(minute) * 60;
                if time > after && has(fields[1], minute / 60, 0, 23) && has(fields[0], minute % 60, 0, 59) {
                    return Some(time);
                }
            }
        }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length =
            [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
        (day, weekday) = (day + 1, (weekday + 1) % 7);
        if day > length {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
    }
    None
}

fn field(least: u32, greatest: u32) -> impl Strategy<Value = String> {
    let value = move || least..=greatest;
    let range = move || (value(), value()).prop_map(|(one, next)| (one.min(next), one.max(next)));
    let item = prop_oneof![
        2 => value().prop_map(|value| value.to_string()),
        1 => range().prop_map(|(first, last)| format!("{first}-{last}")),
        1 => (range(), 1..=greatest).prop_map(|((first, last), step)| format!("{first}-{last}/{step}")),
    ];
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..=greatest).prop_map(|step| format!("*/{step}")),
        4 => prop::collection::vec(item, 1..3).prop_map(|items| items.join(",")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_time_is_found_as_day_by_day(
        fields in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
        after in 0..1_600_000_000_i64,
    ) {
        let text = format!("{} {} {} {} {}", fields.0, fields.1, fields.2, fields.3, fields.4);
        match text.parse::<Schedule>() {
            Ok(schedule) => prop_assert_eq!(schedule.next_after(after), slowly(&text, after), "{}", text),
            Err(_) => prop_assert_eq!(slowly(&text, after), None, "{}", text),
        }
    }

    #[test]
    fn text_is_read_as_a_schedule_or_refused(text in "[*0-9/, a-z-]{0,24}|\\PC{0,40}", after in any::<i64>()) {
        if let Ok(schedule) = text.parse::<Schedule>() {
            prop_assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule.clone());
            if let Some(next) = schedule.next_after(after) {
                prop_assert!(next > after && next % 60 == 0);
            }
        }
    }
}

fn packed(trigger: &str) -> Result<PackageSource, RefusalError> {
    let mut files: BTreeMap<PackagePath, Vec<u8>> = hello_files();
    files.insert(path("openclaw/skill.toml"), format!("{MANIFEST}{trigger}").into_bytes());
    let schema = r##"{"type":"object","properties":{
        "name":{"type":"string"},"maybe":{"type":["string","null"]},"other":{"$ref":"#/$defs/text"},"any":true,
        "count":{"type":"integer"},"total":{"$ref":"#/$defs/count"},"names":{"type":["array","null"]},"never":false
    },"$defs":{"text":{"type":"string"},"count":{"type":"integer"}}}"##;
    let tools = TOOLS.replace(r#"{"type":"object"}"#, schema);
    files.insert(path("openclaw/tools.json"), tools.into_bytes());
    PackageSource::from_files(files)
}

fn told(trigger: &str) -> String {
    let error = packed(trigger).unwrap_err();
    format!("{error} [{}] {}", error.code(), error.hint().unwrap())
}

#[test]
fn a_trigger_calls_a_tool_of_the_skill() {
    assert_eq!(packed(&trigger("0 9 * * *", "greet")).unwrap().manifest().triggers().len(), 1);
    insta::assert_snapshot!(told(&trigger("0 9 * * *", "greets")), @"a trigger of skill.toml calls greets, which is no tool of the skill [trigger-without-tool] did you mean greet?");
    insta::assert_snapshot!(told(&command("git.*", "auto-pull")), @"a trigger of skill.toml calls auto-pull, which is no tool of the skill [trigger-without-tool] name a tool of the skill, or remove the trigger");
}

#[test]
fn a_command_goes_into_a_property_of_the_input() {
    let with = |input: &str| format!("{}input = \"{input}\"\n", command("hello .*", "greet"));
    for taking in ["name", "maybe", "other", "any"] {
        assert!(packed(&with(taking)).is_ok(), "{taking}");
    }
    for not in ["count", "total", "never"] {
        assert_eq!(packed(&with(not)).unwrap_err().code(), "trigger-without-input", "{not}");
    }
    insta::assert_snapshot!(told(&with("names")), @r#"a trigger of skill.toml gives greet the command as "names", which is no property of its input that takes a text [trigger-without-input] did you mean name?"#);
    insta::assert_snapshot!(told(&with("nmae")), @r#"a trigger of skill.toml gives greet the command as "nmae", which is no property of its input that takes a text [trigger-without-input] did you mean name?"#);
    insta::assert_snapshot!(told(&with("command")), @r#"a trigger of skill.toml gives greet the command as "command", which is no property of its input that takes a text [trigger-without-input] name a property of the tool's input that takes a text, or leave out input"#);
}

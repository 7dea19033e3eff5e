//! Triggers: schedules and when they come true, and the tools that they call.

use std::collections::BTreeMap;

use openclaw_package::{Manifest, PackagePath, PackageSource, RefusalError, Schedule};
use proptest::prelude::*;

use crate::common::{MANIFEST, hello_files, path};

const HEAD: &str = "[skill]\npublisher = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";

fn trigger(schedule: &str, tool: &str) -> String {
    format!("[[trigger]]\ntype = \"cron\"\nschedule = \"{schedule}\"\ntool = \"{tool}\"\n")
}

fn refusal(rest: &str) -> String {
    let error = Manifest::parse(&format!("{HEAD}{rest}")).expect_err(rest);
    format!("{error} [{}] {}", error.code(), error.hint().unwrap())
}

#[test]
fn a_manifest_says_when_tools_are_called() {
    let text =
        format!("{HEAD}{}{}", trigger("0 9,18 * * *", "auto-pull"), trigger(" */5  *\t* * * ", "auto-pull"));
    let manifest = Manifest::parse(&text.replace('\t', "\\t")).unwrap();
    let found: Vec<String> = manifest
        .triggers()
        .iter()
        .map(|trigger| format!("{} {}", trigger.schedule(), trigger.tool()))
        .collect();
    assert_eq!(found, ["0 9,18 * * * auto-pull", "*/5 * * * * auto-pull"]);
    assert!(Manifest::parse(HEAD).unwrap().triggers().is_empty());
}

#[test]
fn mistakes_of_a_trigger_are_told_with_place_and_remedy() {
    let cron = trigger("0 9 * * *", "pull");
    insta::assert_snapshot!(refusal(&trigger("0 9 * *", "pull")), @r#"skill.toml:7:12: schedule "0 9 * *": it has fewer than five fields [invalid-schedule] write minute, hour, day of month, month and day of week, for example "0 9 * * mon-fri""#);
    insta::assert_snapshot!(refusal(&trigger("60 9 * * *", "pull")), @r#"skill.toml:7:12: schedule "60 9 * * *": the minute has "60", which is not from 0 to 59 [invalid-schedule] write minute, hour, day of month, month and day of week, for example "0 9 * * mon-fri""#);
    insta::assert_snapshot!(refusal(&trigger("0 9 31 feb *", "pull")), @r#"skill.toml:7:12: schedule "0 9 31 feb *": no month has such a day [invalid-schedule] write minute, hour, day of month, month and day of week, for example "0 9 * * mon-fri""#);
    insta::assert_snapshot!(refusal(&cron.replace("\"cron\"", "\"command\"\npattern = \"git.*\"")), @r#"skill.toml:6:8: "command" is not supported by this version of openclaw [unsupported] remove it, or update openclaw"#);
    insta::assert_snapshot!(refusal(&cron.replace("\"cron\"", "\"crom\"")), @r#"skill.toml:6:8: "type": there is no such trigger [invalid-value] write type = "cron""#);
    insta::assert_snapshot!(refusal(&format!("{cron}timezone = \"Europe/Berlin\"")), @r#"skill.toml:9:1: "timezone" is not supported by this version of openclaw [unsupported] remove it: a schedule is in UTC"#);
    insta::assert_snapshot!(refusal(&format!("{cron}pattern = \"git.*\"")), @r#"skill.toml:9:1: unknown key "pattern" in [[trigger]] [unknown-key] known here: type, schedule, tool"#);
    insta::assert_snapshot!(refusal(&format!("{cron}{}", trigger("0  9 * * *", "pull"))), @r#"skill.toml:11:12: "0 9 * * * pull" stands in two entries [duplicate-entry] remove one of the two"#);
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

fn packed(tool: &str) -> Result<PackageSource, RefusalError> {
    let mut files: BTreeMap<PackagePath, Vec<u8>> = hello_files();
    let manifest = format!("{MANIFEST}{}", trigger("0 9 * * *", tool));
    files.insert(path("openclaw/skill.toml"), manifest.into_bytes());
    PackageSource::from_files(files)
}

#[test]
fn a_trigger_calls_a_tool_of_the_skill() {
    assert_eq!(packed("greet").unwrap().manifest().triggers().len(), 1);
    let told = |tool: &str| {
        let error = packed(tool).unwrap_err();
        format!("{error} [{}] {}", error.code(), error.hint().unwrap())
    };
    insta::assert_snapshot!(told("greets"), @"a trigger of skill.toml calls greets, which is no tool of the skill [trigger-without-tool] did you mean greet?");
    insta::assert_snapshot!(told("auto-pull"), @"a trigger of skill.toml calls auto-pull, which is no tool of the skill [trigger-without-tool] name a tool of the skill, or remove the trigger");
}

//! Schedules as time goes by, which it does here by words alone.

use super::*;

fn at(time: &str) -> Timestamp {
    format!("2026-06-01T{time}Z").parse().unwrap()
}

fn scheduled(tool: &str, schedule: &str) -> Scheduled {
    let tool: ToolId = format!("acme/{tool}").parse().unwrap();
    let cron = CronTrigger {
        tool: tool.tool().clone(),
        schedule: schedule.parse().unwrap(),
        timezone: openclaw_package::ZoneName::utc(),
        missed: Missed::Skip,
        overlap: Overlap::Skip,
    };
    Scheduled { tool, cron }
}

fn once(mut scheduled: Scheduled) -> Scheduled {
    scheduled.cron.missed = Missed::Once;
    scheduled
}

fn queued(mut scheduled: Scheduled) -> Scheduled {
    scheduled.cron.overlap = Overlap::Queue;
    scheduled
}

fn seen(scheduled: &Scheduled, seen: Timestamp) -> BTreeMap<String, Known> {
    BTreeMap::from([(scheduled.key(), Known { seen, last_run: None, last_outcome: None })])
}

/// A plan that has known these since a time.
fn plan(schedules: &[Scheduled], since: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let updated = plan.update(schedules.to_vec(), &BTreeMap::new(), &Paused::default(), since);
    assert_eq!((updated.new.len(), updated.unknown.len()), (schedules.len(), 0));
    plan
}

/// The tools that begin at a time.
fn step(plan: &mut Plan, now: Timestamp) -> Vec<String> {
    plan.advance(now, &Paused::default());
    begin(plan)
}

fn begin(plan: &mut Plan) -> Vec<String> {
    plan.begin(&Paused::default()).into_iter().map(|(_, due)| due.tool.to_string()).collect()
}

fn end(plan: &mut Plan, scheduled: &Scheduled) {
    plan.end(&scheduled.key());
}

#[test]
fn a_schedule_begins_at_its_times_and_at_no_other() {
    let hourly = scheduled("x/run", "0 * * * *");
    let mut plan = plan(std::slice::from_ref(&hourly), at("08:30:00"));
    assert_eq!(plan.quiet(at("08:30:00"), Duration::from_secs(7200)), Duration::from_secs(1800));
    assert_eq!(plan.quiet(at("08:30:00"), Duration::from_secs(60)), Duration::from_secs(60));
    assert!(step(&mut plan, at("08:59:59")).is_empty() && !plan.is_busy(at("08:59:59")));
    assert!(plan.is_busy(at("09:00:00")));
    assert_eq!(step(&mut plan, at("09:00:00")), ["acme/x/run"]);
    end(&mut plan, &hourly);
    assert!(step(&mut plan, at("09:00:00")).is_empty());
    assert_eq!(step(&mut plan, at("10:00:01")), ["acme/x/run"]);
}

#[test]
fn a_run_that_is_due_while_the_one_before_runs_is_left_out_or_waits_alone() {
    let (skips, queues) = (scheduled("a/run", "* * * * *"), queued(scheduled("b/run", "* * * * *")));
    let mut plan = plan(&[skips.clone(), queues.clone()], at("08:00:00"));
    assert_eq!(step(&mut plan, at("08:01:00")).len(), 2);
    for minute in 2..9 {
        let left_out = plan.advance(at(&format!("08:0{minute}:00")), &Paused::default());
        assert_eq!(left_out.iter().map(|(_, tool)| tool.as_str()).collect::<Vec<_>>(), ["acme/a/run"]);
        assert!(begin(&mut plan).is_empty());
    }
    end(&mut plan, &skips);
    end(&mut plan, &queues);
    assert_eq!(begin(&mut plan), ["acme/b/run"]);
    end(&mut plan, &queues);
    assert!(begin(&mut plan).is_empty(), "one waited, not seven");
}

#[test]
fn a_clock_that_leaps_forward_has_missed_what_lies_between() {
    let (skips, makes_up) = (scheduled("a/run", "*/10 * * * *"), once(scheduled("b/run", "*/10 * * * *")));
    let mut plan = plan(&[skips.clone(), makes_up.clone()], at("08:01:00"));
    assert_eq!(step(&mut plan, at("11:05:00")), ["acme/b/run"], "once, for eighteen times");
    end(&mut plan, &makes_up);
    assert!(step(&mut plan, at("11:09:59")).is_empty());
    assert_eq!(step(&mut plan, at("11:10:00")).len(), 2);
}

#[test]
fn a_little_delay_is_no_miss() {
    let mut plan = plan(&[scheduled("a/run", "0 9 * * *")], at("08:00:00"));
    assert_eq!(step(&mut plan, at("09:01:30")), ["acme/a/run"]);
}

#[test]
fn a_clock_that_is_set_back_runs_nothing_twice() {
    let hourly = scheduled("a/run", "0 * * * *");
    let mut plan = plan(std::slice::from_ref(&hourly), at("08:30:00"));
    assert_eq!(step(&mut plan, at("09:00:00")).len(), 1);
    end(&mut plan, &hourly);
    assert!(step(&mut plan, at("08:10:00")).is_empty());
    assert!(step(&mut plan, at("09:00:00")).is_empty());
    assert_eq!(step(&mut plan, at("10:00:00")).len(), 1);
}

#[test]
fn a_clock_that_was_far_ahead_does_not_silence_a_schedule() {
    let hourly = scheduled("a/run", "0 * * * *");
    let mut running = plan(std::slice::from_ref(&hourly), "2099-01-01T00:00:00Z".parse().unwrap());
    assert!(running.is_busy(at("08:30:00")) && step(&mut running, at("08:30:00")).is_empty());
    assert_eq!(step(&mut running, at("09:00:00")).len(), 1);
    let mut started = Plan::default();
    let known = seen(&hourly, "2099-01-01T00:00:00Z".parse().unwrap());
    started.update(vec![hourly], &known, &Paused::default(), at("08:30:00"));
    assert_eq!(step(&mut started, at("09:00:00")).len(), 1);
}

#[test]
fn what_was_missed_before_a_start_is_made_up_for_once_if_it_is_not_old() {
    let daily = scheduled("a/run", "0 9 * * *");
    let started = |scheduled: &Scheduled, known: &str, now: &str| {
        let mut plan = Plan::default();
        let known = seen(scheduled, known.parse().unwrap());
        plan.update(vec![scheduled.clone()], &known, &Paused::default(), now.parse().unwrap());
        step(&mut plan, now.parse().unwrap()).len()
    };
    let (known, now) = ("2026-05-28T09:00:00Z", "2026-06-01T10:00:00Z");
    assert_eq!(started(&daily, known, now), 0);
    assert_eq!(started(&once(daily.clone()), known, now), 1);
    assert_eq!(started(&once(daily.clone()), now, now), 0, "nothing was missed");
    // A little late at a start is missed all the same: nothing ran.
    assert_eq!(started(&daily, known, "2026-06-01T09:00:10Z"), 0);
    let yearly = once(scheduled("a/run", "0 9 20 5 *"));
    assert_eq!(started(&yearly, "2025-06-01T00:00:00Z", "2026-05-27T08:00:00Z"), 1);
    assert_eq!(
        started(&yearly, "2025-06-01T00:00:00Z", "2026-05-27T10:00:00Z"),
        0,
        "more than seven days ago"
    );
}

#[test]
fn what_is_paused_is_left_out_and_not_made_up_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = openclaw_runtime::layout::DataDir::open(dir.path().join("data")).unwrap();
    let mut store = super::super::Store::open(&dir).unwrap();
    store.pause(&"acme/a".parse().unwrap()).unwrap();
    let paused = store.settings().unwrap().paused;
    let daily = once(scheduled("a/run", "0 9 * * *"));
    let mut plan = plan(std::slice::from_ref(&daily), at("08:00:00"));
    assert_eq!(plan.advance(at("09:00:00"), &paused).len(), 1);
    assert!(begin(&mut plan).is_empty());
    let mut started = Plan::default();
    let known = seen(&daily, "2026-05-28T09:00:00Z".parse().unwrap());
    started.update(vec![daily], &known, &paused, at("10:00:00"));
    assert!(step(&mut started, at("10:00:00")).is_empty());
}

#[test]
fn a_pause_also_holds_for_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let dir = openclaw_runtime::layout::DataDir::open(dir.path().join("data")).unwrap();
    let mut store = super::super::Store::open(&dir).unwrap();
    store.pause(&"acme/a".parse().unwrap()).unwrap();
    let minutely = queued(scheduled("a/run", "* * * * *"));
    let mut plan = plan(std::slice::from_ref(&minutely), at("08:00:00"));
    assert_eq!(step(&mut plan, at("08:01:00")).len(), 1);
    step(&mut plan, at("08:02:00"));
    end(&mut plan, &minutely);
    assert!(plan.begin(&store.settings().unwrap().paused).is_empty());
    assert_eq!(step(&mut plan, at("08:03:00")).len(), 1, "and goes on once it is resumed");
}

#[test]
fn a_skill_has_two_places_and_all_have_sixteen() {
    let of = |skill: usize| (0..4).map(move |tool| scheduled(&format!("s{skill}/t{tool}"), "* * * * *"));
    let all: Vec<Scheduled> = (0..40).flat_map(of).collect();
    let mut plan = plan(&all, at("08:00:00"));
    let first = step(&mut plan, at("08:01:00"));
    assert_eq!(first.len(), MOST_RUNNING);
    let of_one = first.iter().filter(|tool| tool.starts_with("acme/s0/")).count();
    assert_eq!(of_one, MOST_OF_A_SKILL);
    let mut count = first.len();
    let mut running = first;
    while let Some(tool) = running.pop() {
        let ended = all.iter().find(|scheduled| scheduled.tool.as_str() == tool).unwrap();
        end(&mut plan, ended);
        let begun = begin(&mut plan);
        count += begun.len();
        running.extend(begun);
    }
    assert_eq!(count, all.len());
    assert!(!plan.is_busy(at("08:01:00")));
}

#[test]
fn what_runs_goes_on_when_schedules_change_and_runs_once_at_a_time() {
    let minutely = scheduled("a/run", "* * * * *");
    let mut plan = plan(std::slice::from_ref(&minutely), at("08:00:00"));
    assert_eq!(step(&mut plan, at("08:01:00")).len(), 1);
    plan.update(Vec::new(), &BTreeMap::new(), &Paused::default(), at("08:01:10"));
    assert!(step(&mut plan, at("08:02:00")).is_empty() && plan.keys().is_empty());
    plan.update(vec![minutely.clone()], &BTreeMap::new(), &Paused::default(), at("08:02:10"));
    assert!(step(&mut plan, at("08:03:00")).is_empty(), "the run from before still runs");
    end(&mut plan, &minutely);
    assert_eq!(step(&mut plan, at("08:04:00")).len(), 1);
    end(&mut plan, &minutely);
    let other = scheduled("a/run", "30 * * * *");
    plan.update(vec![other], &BTreeMap::new(), &Paused::default(), at("08:04:10"));
    assert!(step(&mut plan, at("08:05:00")).is_empty());
    assert_eq!(step(&mut plan, at("08:30:00")).len(), 1);
}

#[test]
fn a_schedule_of_an_unknown_zone_is_told_of_and_never_due() {
    let mut nowhere = scheduled("a/run", "* * * * *");
    nowhere.cron.timezone = "Europe/Atlantis".parse().unwrap();
    let mut plan = Plan::default();
    let updated = plan.update(vec![nowhere.clone()], &BTreeMap::new(), &Paused::default(), at("08:00:00"));
    assert_eq!(updated.unknown[0].0, nowhere.tool);
    assert!(step(&mut plan, at("09:00:00")).is_empty());
    assert_eq!(plan.quiet(at("09:00:00"), Duration::from_secs(60)), Duration::from_secs(60));
}

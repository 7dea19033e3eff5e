//! What is not granted, at each security level: refused, asked once of each caller, or granted; a deny stays a deny.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail so")]

use std::sync::Mutex;

use async_trait::async_trait;
use openclaw_package::SkillId;
use openclaw_runtime::Runtime;
use openclaw_runtime::capability::grant::Missing;
use openclaw_runtime::consent::{Consents, Person, SecurityLevel};
use openclaw_tests::embedded::{open, tool_call};
use openclaw_tests::home::PUBLISHER;
use openclaw_tests::{Home, Skill};
use serde_json::json;

/// Says the same to everything, and counts the questions; meanwhile the owner may do something.
struct Says<'a> {
    yes: bool,
    asked: Mutex<usize>,
    meanwhile: Option<Box<dyn Fn() + Send + Sync + 'a>>,
}

impl<'a> Says<'a> {
    fn new(yes: bool) -> Self {
        Self { yes, asked: Mutex::default(), meanwhile: None }
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl Person for Says<'_> {
    async fn consent(&self, _: &SkillId, missing: &[Missing]) -> Vec<(usize, bool)> {
        *self.asked.lock().unwrap() += missing.len();
        if let Some(meanwhile) = &self.meanwhile {
            meanwhile();
        }
        (0..missing.len()).map(|at| (at, self.yes)).collect()
    }
}

/// A home with a skill that asks for two hosts and holds neither.
fn home() -> Home {
    let home = Home::new();
    let skill = Skill::tiny("asks").network("https://a.example/", &["GET"], false);
    home.install_ungranted(&skill.network("https://b.example/", &["GET"], false));
    home
}

/// How many grants a call as `caller` brings about.
async fn seek(
    consents: &Consents,
    runtime: &Runtime,
    home: &Home,
    caller: &str,
    person: Option<&dyn Person>,
) -> usize {
    let mut call = tool_call(home, "asks/run", &json!({}));
    call.caller = caller.to_owned();
    consents.seek(runtime, &call, person).await.unwrap().len()
}

fn deny_a(home: &Home) {
    let skill = format!("{PUBLISHER}/asks");
    home.run(["grant", "deny", skill.as_str(), "network", "GET", "https://a.example/"]).success();
}

#[tokio::test]
async fn strict_asks_nobody() {
    let (home, person) = (home(), Says::new(true));
    let (runtime, consents) = (open(&home, 1), Consents::new(SecurityLevel::Strict));
    assert_eq!(seek(&consents, &runtime, &home, "a", Some(&person)).await, 0);
    assert_eq!(person.asked(), 0);
}

#[tokio::test]
async fn moderate_asks_each_caller_once_and_remembers_a_yes_for_good() {
    let home = home();
    let (runtime, consents) = (open(&home, 1), Consents::new(SecurityLevel::Moderate));
    let (no, yes) = (Says::new(false), Says::new(true));
    assert_eq!(seek(&consents, &runtime, &home, "a", None).await, 0, "nobody is there");
    assert_eq!(seek(&consents, &runtime, &home, "a", Some(&no)).await, 0);
    assert_eq!(seek(&consents, &runtime, &home, "a", Some(&yes)).await, 0, "a no is a no");
    assert_eq!((no.asked(), yes.asked()), (2, 0));
    assert_eq!(seek(&consents, &runtime, &home, "b", Some(&yes)).await, 2, "it was the no of another");
    let policy = std::fs::read_to_string(home.data().join("policy.toml")).unwrap();
    assert!(policy.contains("network GET https://a.example/"), "{policy}");
    let again = Consents::new(SecurityLevel::Moderate);
    assert_eq!(
        seek(&again, &open(&home, 1), &home, "a", Some(&yes)).await,
        0,
        "there is nothing left to ask"
    );
    assert_eq!(yes.asked(), 2);
}

#[tokio::test]
async fn permissive_grants_all_but_what_the_owner_denied() {
    let home = home();
    deny_a(&home);
    let (runtime, consents) = (open(&home, 1), Consents::new(SecurityLevel::Permissive));
    assert_eq!(seek(&consents, &runtime, &home, "a", None).await, 1);
    let shown = home.plain(["grant".to_owned(), "show".to_owned(), format!("{PUBLISHER}/asks")]).stdout;
    assert!(shown.contains("deny") && shown.contains("https://a.example/"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_that_comes_after_the_owner_denied_grants_nothing() {
    let home = home();
    let (runtime, consents) = (open(&home, 1), Consents::new(SecurityLevel::Moderate));
    let late = Says { meanwhile: Some(Box::new(|| deny_a(&home))), ..Says::new(true) };
    assert_eq!(
        seek(&consents, &runtime, &home, "a", Some(&late)).await,
        1,
        "only the one that was not denied"
    );
    let policy = std::fs::read_to_string(home.data().join("policy.toml")).unwrap();
    let deny = policy.lines().find(|line| line.starts_with("deny")).unwrap();
    assert!(deny.contains("https://a.example/"), "{policy}");
}

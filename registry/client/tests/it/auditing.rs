//! What is installed, against what is known today.

use openclaw_package::registry::Action;
use openclaw_registry_client::{AuditReport, Installed, Severity};

use crate::home::{Home, at_home};
use crate::server::Answer;
use crate::world::{acme, hello, in_days, key, pack, version};

fn installed(skill: &str, version: &str) -> Installed {
    let skill = skill.parse().unwrap();
    let archive = pack(&skill, version, 1).digest;
    Installed {
        skill,
        version: version.parse().unwrap(),
        archive,
        range: None,
        origin: "skills.example.com".parse().unwrap(),
    }
}

fn codes(report: &AuditReport, number: usize) -> Vec<&'static str> {
    report.skills[number].findings.iter().map(|finding| finding.code()).collect()
}

async fn audit(home: &Home, all: &[Installed]) -> AuditReport {
    home.client().audit(all).await.unwrap()
}

#[tokio::test]
async fn all_is_well_until_something_happens() {
    let (server, home) = at_home().await;
    let all = [installed("acme/hello", "1.0.0")];
    let report = audit(&home, &all).await;
    assert!(codes(&report, 0).is_empty() && report.outage.is_none() && report.gravest().is_none());

    server.world(|world| world.publish(&hello(), "1.1.0"));
    assert_eq!(codes(&audit(&home, &all).await, 0), ["newer-version"]);
    server.world(|world| world.yank(&hello(), "1.0.0"));
    assert_eq!(codes(&audit(&home, &all).await, 0), ["yanked", "newer-version"]);
    server.world(|world| {
        world.event(&acme(), Action::Grant { key: key(2).public_key() }, &[1, 2]);
        let reason = "it was stolen".parse().unwrap();
        world.event(&acme(), Action::Revoke { key: key(1).public_key(), reason }, &[2])
    });
    assert_eq!(codes(&audit(&home, &all).await, 0), ["yanked", "signer-revoked", "newer-version"]);
    server.world(|world| world.take_down(&hello(), Some("1.0.0")));
    let report = audit(&home, &all).await;
    assert_eq!(codes(&report, 0)[0], "taken-down");
    assert_eq!(report.gravest(), Some(Severity::Refusal));
    assert!(report.skills[0].findings.iter().all(|finding| finding.hint(&hello()).is_some()));
}

#[tokio::test]
async fn a_yank_before_its_release_counts_for_nothing() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.yank(&hello(), "1.1.0");
        world.publish(&hello(), "1.1.0")
    });
    assert_eq!(codes(&audit(&home, &[installed("acme/hello", "1.0.0")]).await, 0), ["newer-version"]);
    let newest = [installed("acme/hello", "1.1.0")];
    assert!(codes(&audit(&home, &newest).await, 0).is_empty());
    let reason = "it is broken".parse().unwrap();
    let added = home.client().yank(&hello(), &version("1.1.0"), &reason, &key(1)).await.unwrap();
    assert_eq!(added.log_indices.len(), 1, "it was not yanked yet");
    assert_eq!(codes(&audit(&home, &newest).await, 0), ["yanked"]);
}

#[tokio::test]
async fn what_was_never_released_so_is_refused() {
    let (_server, home) = at_home().await;
    let mut other = installed("acme/hello", "1.0.0");
    other.archive = openclaw_package::Digest::of(b"malware");
    let report =
        audit(&home, &[other, installed("acme/hello", "7.0.0"), installed("acme/none", "1.0.0")]).await;
    assert_eq!(codes(&report, 0), ["other-archive"]);
    assert_eq!(codes(&report, 1), ["not-released"]);
    assert_eq!(codes(&report, 2), ["not-released"]);
}

#[tokio::test]
async fn one_request_for_each_publisher() {
    let (server, home) = at_home().await;
    let mut all = vec![installed("acme/hello", "1.0.0")];
    for name in ["acme/one", "acme/two", "other/three", "third/four"] {
        server.world(|world| world.publish(&name.parse().unwrap(), "1.0.0"));
        all.push(installed(name, "1.0.0"));
    }
    let report = audit(&home, &all).await;
    assert_eq!(report.gravest(), None);
    assert_eq!(server.requests("/api/v1/publishers/").len(), 3);
    audit(&home, &all).await;
    let later = server.requests("/api/v1/publishers/");
    assert!(later[3..].iter().all(|request| !request.path.ends_with("after=0")), "only what is new");
}

#[tokio::test]
async fn without_the_registry_the_last_list_counts() {
    let (server, home) = at_home().await;
    let all = [installed("acme/hello", "1.0.0")];
    server.world(|world| world.take_down(&hello(), None));
    let issued = audit(&home, &all).await.list_issued;
    server.lie("/", |_, _| Answer::error(503, "down"));
    let report = audit(&home, &all).await;
    assert!(report.outage.is_some());
    assert_eq!(report.list_issued, issued);
    assert_eq!(codes(&report, 0), ["taken-down"]);
}

#[tokio::test]
async fn skills_of_other_registries_are_held_against_their_bytes_only() {
    let (server, home) = at_home().await;
    let mut foreign = installed("acme/hello", "1.0.0");
    foreign.origin = "other.example.com".parse().unwrap();
    server.world(|world| world.take_down(&hello(), None));
    assert!(codes(&audit(&home, &[foreign.clone()]).await, 0).is_empty());
    server.world(|world| {
        world.take_down(&"acme/evil".parse().unwrap(), None);
        world.takedowns.takedowns.last_mut().unwrap().archive = Some(foreign.archive);
    });
    assert_eq!(codes(&audit(&home, &[foreign]).await, 0), ["taken-down-elsewhere"]);
}

#[tokio::test]
async fn a_lie_about_one_publisher_is_a_finding_and_about_the_log_an_error() {
    let (server, home) = at_home().await;
    server.world(|world| world.publish(&"other/skill".parse().unwrap(), "1.0.0"));
    let all = [installed("acme/hello", "1.0.0"), installed("other/skill", "1.0.0")];
    audit(&home, &all).await;
    std::fs::remove_dir_all(home.place.path().join("cache")).unwrap();
    server.lie("/api/v1/publishers/acme", |_, _| Answer::new(200, "application/x-ndjson", ""));
    let report = audit(&home, &all).await;
    assert_eq!(codes(&report, 0), ["history-unknown"]);
    assert!(codes(&report, 1).is_empty());
    server.world(|world| world.takedowns.expires = in_days(-1));
    let error = home.refused(async { home.client().audit(&all).await }).await;
    assert_eq!(error.code(), "takedowns-expired");
}

#[tokio::test]
async fn what_is_advised_can_be_done() {
    let (server, home) = at_home().await;
    for version in ["1.1.0", "1.2.0", "2.0.0"] {
        server.world(|world| world.publish(&hello(), version));
    }
    let advice = async |version: &str, range: Option<&str>| {
        let one = Installed {
            range: range.map(|range| range.parse().unwrap()),
            ..installed("acme/hello", version)
        };
        let report = audit(&home, &[one]).await;
        report.skills[0].findings.first().and_then(|finding| finding.hint(&hello())).unwrap_or_default()
    };
    assert_eq!(advice("1.0.0", None).await, "openclaw registry update acme/hello");
    assert_eq!(advice("1.0.0", Some("^1")).await, "openclaw registry update acme/hello");
    let latest = "openclaw registry update --latest acme/hello (leaves the range =1.1.0)";
    assert_eq!(advice("1.1.0", Some("=1.1.0")).await, latest);
    server.world(|world| world.yank(&hello(), "2.0.0"));
    let older = "openclaw registry install acme/hello@=1.2.0 --allow-downgrade";
    assert_eq!(advice("2.0.0", None).await, older);
    // What was taken down is no newer version.
    server.world(|world| world.take_down(&hello(), Some("1.2.0")));
    assert_eq!(advice("1.1.0", None).await, "");
    for version in ["1.1.0", "1.0.0"] {
        server.world(|world| world.yank(&hello(), version));
    }
    assert_eq!(advice("1.1.0", None).await, "there is no other version yet");
    assert_eq!(advice("1.2.0", None).await, "openclaw remove acme/hello");
}

#[tokio::test]
async fn whose_signer_was_revoked_is_led_to_what_there_is() {
    let (server, home) = at_home().await;
    server.world(|world| {
        world.event(&acme(), Action::Grant { key: key(2).public_key() }, &[1, 2]);
        let reason = "it was stolen".parse().unwrap();
        world.event(&acme(), Action::Revoke { key: key(1).public_key(), reason }, &[2])
    });
    let advice = async |range: &str| {
        let one = Installed { range: Some(range.parse().unwrap()), ..installed("acme/hello", "1.0.0") };
        let report = audit(&home, &[one]).await;
        assert_eq!(codes(&report, 0)[0], "signer-revoked");
        report.skills[0].findings[0].hint(&hello()).unwrap()
    };
    assert_eq!(advice("^1").await, "read why; there is no newer version yet");
    server.world(|world| world.publish_by(&hello(), "2.0.0", 2));
    let latest = "read why, and update: openclaw registry update --latest acme/hello (leaves the range ^1)";
    assert_eq!(advice("^1").await, latest);
    assert_eq!(advice("*").await, "read why, and update: openclaw registry update acme/hello");
}

//! Many made-up skills, quickly: real publishers, signed events and log entries, but no archives.

use jiff::Timestamp;
use openclaw_package::registry::api::{PermissionLine, ReleasePage, ToolLine};
use openclaw_package::registry::{Action, History, Release, Visibility};
use openclaw_package::{Digest, PublisherName, SigningKey, SkillId, SkillName};
use semver::Version;

use crate::error::{Fault, Result};
use crate::registry::Registry;
use crate::store::skills::Skill;
use crate::store::{Write, accounts, releases, skills, whole_seconds};

/// How many skills a publisher has.
const SKILLS_EACH: u64 = 100;

/// How many publishers are written at once.
const PUBLISHERS_AT_ONCE: u64 = 50;

/// Words that names and descriptions are made of, the first the most frequent.
const WORDS: &[&str] = &[
    "file",
    "text",
    "data",
    "code",
    "git",
    "search",
    "image",
    "mail",
    "report",
    "test",
    "format",
    "convert",
    "table",
    "weather",
    "calendar",
    "invoice",
    "summary",
    "translate",
    "deploy",
    "monitor",
    "backup",
    "schema",
    "query",
    "chart",
    "color",
    "audio",
    "video",
    "archive",
    "compress",
    "encrypt",
    "token",
    "budget",
    "travel",
    "recipe",
    "music",
    "photo",
    "map",
    "route",
    "stock",
    "currency",
    "note",
    "task",
    "meeting",
    "contact",
    "commit",
    "review",
    "issue",
    "release",
    "changelog",
    "license",
    "lint",
    "compile",
    "debug",
    "profile",
    "trace",
    "log",
    "alert",
    "incident",
    "ticket",
    "survey",
    "form",
    "ledger",
    "tax",
    "payroll",
    "contract",
    "letter",
    "poem",
    "story",
    "lesson",
    "quiz",
    "grammar",
];

const CATEGORIES: [&str; 8] =
    ["developer-tools", "data", "media", "office", "finance", "travel", "education", "home"];

/// Numbers that only look random, and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % below.max(1)
    }

    /// A word; those in front come up far more often. Some are of a kind that few skills have.
    fn word(&mut self) -> String {
        let place = self.next(WORDS.len()).min(self.next(WORDS.len())).min(self.next(WORDS.len()));
        match self.next(5) {
            0 => format!("w{}", self.next(20_000)),
            _ => WORDS.get(place).copied().unwrap_or_default().to_owned(),
        }
    }
}

/// Adds made-up skills to a registry, in transactions of some thousands.
///
/// # Errors
///
/// A failing store.
pub async fn fill(registry: &Registry, count: u64) -> Result<()> {
    let publishers = count.div_ceil(SKILLS_EACH);
    let mut next = 0;
    while next < publishers {
        let mut write = registry.store().write().await?;
        let end = publishers.min(next + PUBLISHERS_AT_ONCE);
        for number in next..end {
            publisher(registry, &mut write, number, SKILLS_EACH.min(count - number * SKILLS_EACH)).await?;
        }
        write.commit().await?;
        next = end;
    }
    Ok(())
}

async fn publisher(registry: &Registry, write: &mut Write, number: u64, count: u64) -> Result<()> {
    let usage = |error: &dyn std::fmt::Display| Fault::Usage(error.to_string());
    let name: PublisherName = format!("made-up{number}").parse().map_err(|error| usage(&error))?;
    let now = Timestamp::now();
    let key = SigningKey::generate()?;
    let mut history = History::new(write.head.origin.clone(), name.clone());
    accounts::create(write.connection(), &history, now).await?;
    let mut numbers = Numbers(number);
    let mut events = vec![history.next(now, Action::Init { key: key.public_key() }).sign(&[&key])];
    let mut made = Vec::new();
    events.iter().try_for_each(|event| history.accept(event).map(drop))?;
    for place in 0..count {
        let label: SkillName =
            format!("{}-{}{place}", numbers.word(), numbers.word()).parse().map_err(|error| usage(&error))?;
        let release = Release {
            name: label.clone(),
            version: Version::new(1, 0, 0),
            archive: Digest::of(format!("archive {name}/{label}").as_bytes()),
            statement: Digest::of(format!("statement {name}/{label}").as_bytes()),
            signer: key.public_key(),
            visibility: Visibility::Public,
        };
        let event = history.next(now, Action::Release(release.clone())).sign(&[&key]);
        history.accept(&event)?;
        events.push(event);
        made.push((SkillId::new(name.clone(), label), release));
    }
    let indices = registry.append_events(write, &history, &events, u64::MAX).await?;
    for ((skill, release), index) in made.into_iter().zip(indices.into_iter().skip(1)) {
        insert(write, skill, release, index, &mut numbers).await?;
    }
    Ok(())
}

async fn insert(
    write: &mut Write,
    id: SkillId,
    event: Release,
    index: u64,
    numbers: &mut Numbers,
) -> Result<()> {
    let now = whole_seconds(Timestamp::now());
    let connection = write.connection();
    skills::insert(connection, index, &id, Visibility::Public, now).await?;
    let words: Vec<String> = (0..14).map(|_| numbers.word()).collect();
    let release = releases::Release {
        version: event.version.clone(),
        archive: event.archive,
        archive_size: 1 << 20,
        signature: Digest::of(format!("signature {id}").as_bytes()),
        signature_size: 2000,
        log_index: index,
        published: now,
        category: CATEGORIES.get(numbers.next(CATEGORIES.len())).map(|label| (*label).to_owned()),
        yanked: None,
        taken_down: None,
        kinds: vec!["network:external".to_owned()],
        description: words.join(" "),
    };
    releases::insert(connection, index, &release, &page(&event, &release, numbers)?).await?;
    let skill = Skill { id: index, skill: id, visibility: Visibility::Public, category: None, latest: None };
    skills::append_index(connection, &skill, &release.index_line()).await?;
    skills::refresh(connection, &skill, now).await
}

fn page(event: &Release, release: &releases::Release, numbers: &mut Numbers) -> Result<ReleasePage> {
    let mut tools = Vec::new();
    for number in 0..2 {
        let name = format!("{}{number}", numbers.word());
        let name = name.parse().map_err(|error| Fault::Usage(format!("{error}")))?;
        tools.push(ToolLine { name, description: format!("{} {}", numbers.word(), numbers.word()) });
    }
    Ok(ReleasePage {
        version: release.version.clone(),
        permissions: vec![PermissionLine {
            permission: "network:external".to_owned(),
            scope: "GET https://api.example.com/".to_owned(),
            words: "send GET requests to https://api.example.com/".to_owned(),
            reason: "made up".to_owned(),
        }],
        warnings: Vec::new(),
        triggers: Vec::new(),
        signer: event.signer.clone(),
        log_index: release.log_index,
        archive: release.archive,
        size: release.archive_size,
        published: release.published,
        yanked: None,
        taken_down: None,
        tools,
        description: release.description.clone(),
        license: None,
        readme_html: "<p>Made up.</p>".to_owned(),
    })
}

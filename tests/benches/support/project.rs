//! The skill that is called: what `openclaw skill new` writes and `openclaw skill build` builds.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use openclaw_tests::Home;
use openclaw_tests::home::binary;

/// What its tool is called with.
pub const INPUT: &str = r#"{"name":"Ada"}"#;

/// The name of its tool.
pub const TOOL: &str = "greet";

/// The parts of the project that a package is made of.
const FILES: [&str; 4] = ["SKILL.md", "openclaw/skill.toml", "openclaw/skill.wasm", "openclaw/tools.json"];

/// Where benchmarks keep what they make.
pub fn bench_dir() -> PathBuf {
    Path::new(env!("OPENCLAW_TESTS_TARGET")).join("bench")
}

/// A project that was built, without its sources.
pub struct Project {
    dir: PathBuf,
}

impl Project {
    /// Builds the skill, unless it was built by this very command before.
    pub fn built() -> Self {
        let dir = bench_dir().join("hello");
        let (stamp, builder) = (dir.join("built-by"), builder());
        if std::fs::read_to_string(&stamp).is_ok_and(|text| text == builder) {
            return Self { dir };
        }
        let home = Home::new();
        home.run(["skill", "new", "hello"]).json();
        home.run(["skill", "build", "hello"]).json();
        std::fs::create_dir_all(dir.join("openclaw")).expect("a directory");
        for file in FILES {
            std::fs::copy(home.workspace().join("hello").join(file), dir.join(file)).expect(file);
        }
        std::fs::write(stamp, builder).expect("a stamp");
        Self { dir }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn component(&self) -> Vec<u8> {
        std::fs::read(self.dir.join("openclaw/skill.wasm")).expect("the component")
    }

    /// A home in which it is installed, as `acme/hello`.
    pub fn installed(&self) -> Home {
        let home = Home::new();
        let archive = home.path("hello.tar.gz");
        let arguments = ["skill".as_ref(), "pack".as_ref(), self.dir.as_os_str(), "--output".as_ref()];
        home.run(arguments.into_iter().chain([archive.as_os_str()])).json();
        home.install_archive(&archive).json();
        home
    }
}

/// Tells this build of the command from others.
fn builder() -> String {
    let meta = std::fs::metadata(binary()).expect("the command");
    let built = meta.modified().expect("its time").duration_since(UNIX_EPOCH).expect("a time");
    format!("{} {}", built.as_millis(), meta.len())
}

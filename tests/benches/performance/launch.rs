//! What it costs to start a program confined, beside starting it plainly; and what its trees add to that.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use openclaw_launcher::{Exit, Launch, Launcher, Limits, Running, Tree};

use crate::results::{Curve, Results};
use crate::support::host::tokio_of_one_thread;
use crate::times::{Times, rounds};

/// Starts of a turn.
const STARTS: usize = 20;
/// Starts at the beginning of a turn that do not count.
const FIRST: usize = 2;
/// Directories in the tree of the program, each with ten files.
const DIRECTORIES: [usize; 5] = [0, 10, 100, 1_000, 10_000];

const PLAIN: &str = "`/bin/true` by `posix_spawn`, with its three pipes";
const CONFINED: &str = "`/bin/true` by the launcher, in an empty tree that it may change";

/// Starts a program by the launcher, again and again.
struct Confined {
    tokio: tokio::runtime::Runtime,
    launcher: Launcher,
    program: File,
    launch: Launch,
}

impl Confined {
    fn new(program: &str, tree: &Path) -> Self {
        let found = tree.metadata().expect("the tree");
        let launch = Launch {
            program: program.into(),
            arguments: vec![program.to_owned()],
            environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            directory: "/workspace".into(),
            trees: vec![Tree {
                source: tree.to_owned(),
                identity: (found.dev(), found.ino()),
                target: "/workspace".into(),
                writes: true,
                hidden: Vec::new(),
                control_allowed: Vec::new(),
                since: None,
                known: Vec::new(),
            }],
            helpers: Vec::new(),
            limits: Limits {
                time_ms: 10_000,
                memory_bytes: 1 << 30,
                processes: 256,
                file_bytes: 1 << 30,
                free_bytes: 0,
            },
            unconfined: false,
        };
        let launcher = Launcher::new(openclaw_tests::embedded::launcher());
        let program = File::open(program).expect("the program");
        Self { tokio: tokio_of_one_thread(), launcher, program, launch }
    }

    /// From the wish to the knowledge that nothing of it runs any more.
    fn run(&self) {
        let exit = self.tokio.block_on(async {
            let launched = self.launcher.launch(&self.launch, &self.program).await.expect("it starts");
            drop(launched.stdin);
            let mut running = Running::new(launched.control).expect("it runs");
            running.ended().await.expect("it ends").exit
        });
        assert_eq!(exit, Exit::Code(0));
    }
}

fn plainly(tree: &Path) {
    let mut command = Command::new("/bin/true");
    command.current_dir(tree).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().expect("it starts");
    assert!(output.status.success());
}

pub fn measure(results: &mut Results) {
    crate::step("a program, plain and confined, by turns");
    let empty = tempfile::tempdir().expect("a directory");
    let confined = Confined::new("/bin/true", empty.path());
    let (mut plain, mut ours) = (Times::default(), Times::default());
    let turn = |times: &mut Times, run: &mut dyn FnMut()| {
        (0..FIRST).for_each(|_| run());
        times.measure(STARTS, run);
    };
    for _ in 0..rounds() {
        turn(&mut plain, &mut || plainly(empty.path()));
        turn(&mut ours, &mut || confined.run());
    }
    results.row(PLAIN, &plain);
    results.row(CONFINED, &ours);
    let overhead = (ours.p50() - plain.p50()) / 1e3;
    results.at_most(2.0, "ms", "a confined program, beyond `posix_spawn` of it, p50", overhead);
    crate::step("a program, as its tree grows");
    trees(results);
}

/// Control files are looked for in the whole tree, before and after.
fn trees(results: &mut Results) {
    let points = DIRECTORIES.iter().map(ToString::to_string).collect();
    let name = "Starting a program, as the tree grows that it may change";
    let curve = Curve::new("trees", name, "directories, with ten files each", "time to its end, ms", points);
    let times: Vec<Times> = DIRECTORIES
        .iter()
        .map(|count| {
            let tree = tree(*count);
            let confined = Confined::new("/bin/true", tree.path());
            let mut times = Times::default();
            confined.run();
            times.measure((rounds() * STARTS / (count / 100 + 1)).max(5), || confined.run());
            times
        })
        .collect();
    results.curve_of_times(curve, 1e3, &times);
}

fn tree(directories: usize) -> tempfile::TempDir {
    let tree = tempfile::tempdir().expect("a directory");
    for directory in 0..directories {
        let path: PathBuf = tree.path().join((directory / 100).to_string()).join(directory.to_string());
        std::fs::create_dir_all(&path).expect("a directory");
        for file in 0..10 {
            File::create(path.join(file.to_string())).expect("a file");
        }
    }
    tree
}

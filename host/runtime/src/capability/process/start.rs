//! Starting a permitted command: with the trees of its call, under the names that the skill knows them by.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use openclaw_launcher::{Launch, LaunchError, Launched, Launcher, Limits, Means, Tree};
use openclaw_package::permission::Access;
use serde::{Deserialize, Serialize};

use super::child::Life;
use super::grants::{Permitted, ProcessGrants};
use super::program::{NotPinned, Programs};
use crate::capability::{Capability, Denial, Reason};

/// Bytes of memory of a program and all that came of it.
const MEMORY_BYTES: u64 = 1 << 30;
/// Processes and threads of a program at once.
const PROCESSES: u64 = 256;
/// Bytes that one file may grow to.
const FILE_BYTES: u64 = 1 << 30;
/// Bytes that stay free on a disk, as for files that the skill writes itself.
const FREE_BYTES: u64 = 64 << 20;

/// What every program finds in its environment.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
const LANG: &str = "C.UTF-8";
const TEMPORARY: &str = "/tmp";

/// Starts programs: this process itself, or the one that it works for.
#[async_trait]
pub(crate) trait Start: Send + Sync {
    /// Starts a permitted command, which ends at the given time at the latest.
    async fn start(&self, permitted: &Permitted, trees: &Trees, until: Instant) -> Result<Begun, StartError>;
}

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Begun {
    /// To be written to.
    pub(crate) stdin: OwnedFd,
    /// To be read from.
    pub(crate) stdout: OwnedFd,
    /// To be read from.
    pub(crate) stderr: OwnedFd,
    pub(crate) life: Arc<Life>,
    /// What confines it.
    pub(crate) means: Means,
}

/// Why a permitted command was not started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum StartError {
    /// The program is not the one that was granted, or this machine cannot confine it.
    Denied(Denial),
    /// The call has had as many programs as it may.
    TooMany,
    /// Anything else.
    Unavailable(String),
}

/// The trees of a call, as a program is given them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trees(pub(crate) Vec<Tree>);

impl Trees {
    /// Where a command works: in the directory that it names, which must be in a tree.
    pub(crate) fn directory(&self, named: Option<&str>) -> Option<String> {
        let Some(named) = named else {
            let held = |path: &str| self.0.iter().any(|tree| tree.target == Path::new(path));
            let first = ["/workspace", "/data"].into_iter().find(|path| held(path));
            return Some(first.unwrap_or(TEMPORARY).to_owned());
        };
        let plain = named.strip_prefix('/')?.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let held = self.0.iter().any(|tree| Path::new(named).starts_with(&tree.target));
        (plain && held && !named.contains('\0')).then(|| named.to_owned())
    }

    /// Where the program's home is: the skill's own data, where it holds that.
    fn home(&self) -> &str {
        let held = self.0.iter().any(|tree| tree.target == Path::new("/data"));
        if held { "/data" } else { TEMPORARY }
    }

    /// Where a path that the skill knows really is.
    fn real(&self, known: &str) -> PathBuf {
        let known = Path::new(known);
        let real =
            self.0.iter().find_map(|tree| Some(tree.source.join(known.strip_prefix(&tree.target).ok()?)));
        real.unwrap_or_else(|| known.to_owned())
    }
}

/// Programs that this process has started by its launcher.
#[derive(Debug)]
pub(crate) struct Direct {
    launcher: Arc<Launcher>,
    programs: Programs,
    under_way: Arc<UnderWay>,
    turn: tokio::sync::Mutex<()>,
}

/// Which trees running programs may change.
#[derive(Debug, Default)]
struct UnderWay(Mutex<Vec<Changing>>);

/// A tree that a running program may change.
#[derive(Debug)]
struct Changing {
    /// The number of the program.
    program: u64,
    tree: PathBuf,
    /// Since when, in seconds and nanoseconds since 1970.
    since: (i64, i64),
    /// Control files that are protected from it, by device and inode.
    sealed: Vec<(u64, u64)>,
}

impl UnderWay {
    /// Notes a program that begins now, and tells its trees since when others have them.
    fn begin(&self, program: u64, launch: &mut Launch) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Files have the time of the last tick of the system's clock.
        let now = now.saturating_sub(Duration::from_millis(20));
        let now = (i64::try_from(now.as_secs()).unwrap_or(i64::MAX), i64::from(now.subsec_nanos()));
        let mut all = self.all();
        for tree in launch.trees.iter_mut().filter(|tree| tree.writes) {
            let overlaps = |other: &Path| other.starts_with(&tree.source) || tree.source.starts_with(other);
            let others = || all.iter().filter(|other| overlaps(&other.tree));
            tree.since = others().map(|other| other.since).min();
            tree.known = others().flat_map(|other| other.sealed.iter().copied()).collect();
        }
        let trees = launch.trees.iter().filter(|tree| tree.writes);
        all.extend(trees.map(|tree| Changing {
            program,
            tree: tree.source.clone(),
            since: tree.since.map_or(now, |since| since.min(now)),
            sealed: tree.known.clone(),
        }));
    }

    /// Notes what is protected from a program that has begun.
    fn began(&self, program: u64, sealed: &[(u64, u64)]) {
        let mut all = self.all();
        all.iter_mut().filter(|changing| changing.program == program).for_each(|changing| {
            changing.sealed = sealed.to_vec();
        });
    }

    fn end(&self, program: u64) {
        self.all().retain(|changing| changing.program != program);
    }

    fn all(&self) -> MutexGuard<'_, Vec<Changing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a note, whatever becomes of the start.
struct Noted(Arc<UnderWay>, u64);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

/// Numbers of programs.
static PROGRAMS: AtomicU64 = AtomicU64::new(0);

impl Direct {
    pub(crate) fn new(launcher: Arc<Launcher>) -> Self {
        Self {
            launcher,
            programs: Programs::default(),
            under_way: Arc::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

#[async_trait]
impl Start for Direct {
    async fn start(&self, permitted: &Permitted, trees: &Trees, until: Instant) -> Result<Begun, StartError> {
        let unavailable = |error: &dyn std::fmt::Display| StartError::Unavailable(error.to_string());
        let real = permitted.program.canonicalize().unwrap_or_else(|_| permitted.program.clone());
        let lies_in = |tree: &&Tree| tree.writes && real.starts_with(&tree.source);
        if let Some(tree) = trees.0.iter().find(lies_in) {
            let place = tree.target.display();
            return Err(StartError::Unavailable(format!(
                "the program lies in {place}, which the skill may change"
            )));
        }
        let program = crate::blocking::in_place(|| self.programs.open(&permitted.program, permitted.pinned));
        let program = program.map_err(|error| match error {
            NotPinned::Changed => StartError::Denied(ProcessGrants::changed(permitted)),
            NotPinned::Unusable(reason) => {
                StartError::Unavailable(format!("{} cannot be run: {reason}", permitted.program.display()))
            }
        })?;
        let means = self.launcher.means().await.map_err(|error| unavailable(&error))?;
        let mut launch = launch(permitted, trees, until, means.namespaces)?;
        let number = PROGRAMS.fetch_add(1, Ordering::Relaxed);
        // One after the other, so that each knows what is protected from those before.
        let _turn = self.turn.lock().await;
        self.under_way.begin(number, &mut launch);
        let noted = Noted(Arc::clone(&self.under_way), number);
        let launched = self.launcher.launch(&launch, &program).await;
        let Launched { stdin, stdout, stderr, control, means, sealed } =
            launched.map_err(|error| refused(permitted, error))?;
        self.under_way.began(number, &sealed);
        let life = Life::watch(control).map_err(|error| unavailable(&error))?;
        let theirs = Arc::clone(&life);
        tokio::spawn(async move {
            theirs.ended().await;
            drop(noted);
        });
        Ok(Begun { stdin, stdout, stderr, life, means })
    }
}

fn refused(permitted: &Permitted, error: LaunchError) -> StartError {
    match error {
        LaunchError::NoLandlock | LaunchError::NoNamespaces => {
            let denial = Denial::new(Capability::ProcessExecute, &permitted.target(), Reason::NotConfinable);
            StartError::Denied(denial.with_hint(format!("openclaw doctor  # {error}")))
        }
        error => StartError::Unavailable(error.to_string()),
    }
}

/// A launch, in the names of a root of its own, or of this machine where there is none.
fn launch(
    permitted: &Permitted,
    trees: &Trees,
    until: Instant,
    own_root: bool,
) -> Result<Launch, StartError> {
    let command = &permitted.command;
    let outside =
        || StartError::Unavailable("the working directory is in none of the skill's trees".to_owned());
    let directory = trees.directory(command.directory.as_deref()).ok_or_else(outside)?;
    let place = |known: &str| if own_root { PathBuf::from(known) } else { trees.real(known) };
    let mut arguments = vec![command.program.clone()];
    arguments.extend(command.arguments.iter().cloned());
    if !own_root {
        for (index, known) in &permitted.paths {
            if let Some(argument) = arguments.get_mut(index + 1) {
                *argument = place(known).to_string_lossy().into_owned();
            }
        }
    }
    let home = place(trees.home()).to_string_lossy().into_owned();
    let fixed = [("PATH", PATH), ("HOME", &home), ("LANG", LANG), ("TMPDIR", TEMPORARY)];
    let given = |name: &str| permitted.environment.iter().any(|(given, _)| given == name);
    let mut environment: Vec<_> = fixed
        .into_iter()
        .filter(|(name, _)| !given(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    environment.extend(permitted.environment.iter().cloned());
    let left = until.saturating_duration_since(Instant::now());
    let time = command.timeout.map_or(left, |timeout| timeout.min(left));
    let mut trees = trees.0.clone();
    if permitted.access == Access::Read {
        trees.iter_mut().for_each(|tree| tree.writes = false);
    }
    Ok(Launch {
        program: permitted.program.clone(),
        arguments,
        environment,
        directory: place(&directory),
        trees,
        helpers: permitted.helpers.clone(),
        limits: limits(time),
        unconfined: permitted.unconfined,
    })
}

fn limits(time: Duration) -> Limits {
    Limits {
        time_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        memory_bytes: MEMORY_BYTES,
        processes: PROCESSES,
        file_bytes: FILE_BYTES,
        free_bytes: FREE_BYTES,
    }
}

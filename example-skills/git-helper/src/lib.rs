//! Works with a git repository, and lets nothing run that the repository names.

mod branch;
mod changes;
mod commits;
mod git;
mod message;
mod model;
mod not_run;
mod pull_request;
mod status;
mod text;

use std::num::NonZeroU32;

use openclaw_skill::{Context, Error, ErrorKind, Result, input, output, skill};

use branch::{Branch, HEADS};
use changes::Change;
use commits::Made;
use git::{Author, Git};
use status::{Changed, Status};

/// Entries of a list in a result.
const LISTED: usize = 500;
/// Commits of a branch that are read.
const COMMITS: u8 = 200;

#[input]
#[derive(Default)]
pub struct StatusInput {
    /// The directory of the repository, from the workspace on. Default: the workspace itself.
    repository: Option<String>,
}

#[output]
#[derive(Debug)]
pub struct StatusOutput {
    /// The current branch; none where HEAD is at a commit.
    branch: Option<String>,
    /// The current commit; none before the first.
    commit: Option<String>,
    /// The branch that it follows.
    upstream: Option<String>,
    /// How many commits are not in the upstream yet.
    ahead: Option<u64>,
    /// How many commits of the upstream are not here yet.
    behind: Option<u64>,
    /// True if there is nothing to commit.
    clean: bool,
    /// What the next commit holds.
    staged: Vec<FileState>,
    /// What was changed beyond that.
    unstaged: Vec<FileState>,
    /// Files that git does not know.
    untracked: Vec<String>,
    /// Files whose conflicts must be resolved first.
    conflicted: Vec<String>,
    /// How many entries are left out of these lists.
    left_out: u64,
    #[serde(flatten)]
    beside: Beside,
}

#[output]
#[derive(Debug)]
pub struct FileState {
    /// The file.
    path: String,
    /// What was done to it: added, modified, deleted, renamed, copied or retyped.
    change: &'static str,
    /// What it was called before.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
}

#[input]
#[derive(Default)]
pub struct SmartCommitInput {
    /// The directory of the repository, from the workspace on. Default: the workspace itself.
    repository: Option<String>,
    /// Files and directories to stage. Default: all that was changed. What is staged already is
    /// committed too.
    #[serde(default)]
    paths: Vec<String>,
    /// The message. Default: one is written from what was changed.
    message: Option<String>,
    /// Who makes the commit. Default: whom the repository's own settings name.
    author: Option<AuthorInput>,
}

#[input]
pub struct AuthorInput {
    /// The name: Ada Lovelace.
    name: String,
    /// The address: ada@example.com.
    email: String,
}

#[output]
#[derive(Debug)]
pub struct SmartCommitOutput {
    /// The commit.
    hash: String,
    /// Its message.
    message: String,
    /// Who wrote its first line: caller, model or diff. A model's is as good as what it read.
    written_by: &'static str,
    /// The files that it changes.
    files: Vec<ChangedFile>,
    /// How many files are left out of this list.
    left_out: u64,
    #[serde(flatten)]
    beside: Beside,
}

#[output]
#[derive(Debug)]
pub struct ChangedFile {
    /// The file.
    path: String,
    /// What was done to it: added, modified, deleted, renamed, copied or retyped.
    change: &'static str,
    /// What it was called before.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Lines that were added; none of a binary file.
    added: Option<u64>,
    /// Lines that were removed; none of a binary file.
    removed: Option<u64>,
}

#[input]
pub struct CreateFeatureBranchInput {
    /// What the branch is for: "Fix the parser" makes `feature/fix-the-parser`.
    title: String,
    /// The branch or commit to begin from. Default: the current commit.
    base: Option<String>,
    /// The directory of the repository, from the workspace on. Default: the workspace itself.
    repository: Option<String>,
}

#[output]
#[derive(Debug)]
pub struct CreateFeatureBranchOutput {
    /// The new branch, which is now the current one.
    branch: String,
    /// The commit that it begins with.
    commit: String,
    #[serde(flatten)]
    beside: Beside,
}

#[input]
#[derive(Default)]
pub struct PullRequestInput {
    /// The branch that the current one is to be merged into. Default: main or master.
    base: Option<String>,
    /// Push the current branch as well. Only a remote in the workspace can be reached.
    #[serde(default)]
    push: bool,
    /// Where to push to. Default: where the branch comes from, else origin.
    remote: Option<String>,
    /// The directory of the repository, from the workspace on. Default: the workspace itself.
    repository: Option<String>,
}

#[output]
#[derive(Debug)]
pub struct PullRequestOutput {
    /// The title.
    title: String,
    /// The text, in Markdown.
    body: String,
    /// The current branch.
    branch: String,
    /// The branch to merge it into.
    base: String,
    /// True if the branch was pushed.
    pushed: bool,
    /// Why it was not, if it was to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    push_error: Option<String>,
    #[serde(flatten)]
    beside: Beside,
}

#[input]
#[derive(Default)]
pub struct AutoPullInput {
    /// The directory of the repository, from the workspace on. Default: the workspace itself.
    repository: Option<String>,
}

#[output]
#[derive(Debug, Default)]
pub struct AutoPullOutput {
    /// The current branch.
    branch: Option<String>,
    /// True if it was brought forward.
    updated: bool,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The new commits, the newest first: at most 200.
    commits: Vec<CommitLine>,
    /// The files that they change.
    files: Vec<ChangedFile>,
    /// How many files are left out of this list.
    left_out: u64,
    #[serde(flatten)]
    beside: Beside,
}

#[output]
#[derive(Debug)]
pub struct CommitLine {
    /// The commit.
    hash: String,
    /// The first line of its message.
    subject: String,
}

#[input]
#[derive(Default)]
pub struct CleanupBranchesInput {
    /// The branch that others must be merged into to be removed. Default: main or master.
    base: Option<String>,
    /// Only say what would be removed.
    #[serde(default)]
    dry_run: bool,
    /// The directory of the repository, from the workspace on. Default: the workspace itself.
    repository: Option<String>,
}

#[output]
#[derive(Debug)]
pub struct CleanupBranchesOutput {
    /// The branch that they are merged into.
    base: String,
    /// What was removed, or would be. `git branch <name> <commit>` brings one back.
    removed: Vec<RemovedBranch>,
    /// True if nothing was removed, as it was asked.
    dry_run: bool,
    #[serde(flatten)]
    beside: Beside,
}

#[output]
#[derive(Debug)]
pub struct RemovedBranch {
    /// What it was called.
    name: String,
    /// Its last commit.
    commit: String,
}

#[input]
#[derive(Default)]
pub struct HistoryInput {
    /// Return at most this many. Default: all that are remembered, which is at most 50.
    max_results: Option<NonZeroU32>,
}

#[output]
#[derive(Debug)]
pub struct HistoryOutput {
    /// The commits that smart-commit made, the newest first.
    commits: Vec<HistoryEntry>,
}

#[output]
#[derive(Debug)]
pub struct HistoryEntry {
    /// The commit.
    hash: String,
    /// The first line of its message.
    subject: String,
    /// When it was made.
    time: String,
    /// The directory in the workspace; empty for the workspace itself.
    repository: String,
}

/// What a result says beside what was asked.
#[output]
#[derive(Debug, Default)]
pub struct Beside {
    /// What the repository names to be run, and what was not run: hooks, filters and their like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_run: Vec<String>,
    /// What git could not do, in its own words, and files that were held back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

pub struct GitHelper;

#[skill]
impl GitHelper {
    /// Show the state of a git repository: the branch, how it stands to its upstream, and what is
    /// staged, changed, untracked or in conflict.
    pub fn status(ctx: &Context, input: StatusInput) -> Result<StatusOutput> {
        let git = Self::git(ctx, input.repository.as_deref())?;
        let status = Status::parse(&git.status()?)?;
        let clean = status.is_clean();
        let mut left_out = 0;
        let Status { branch, commit, upstream, ahead_behind, .. } = status;
        Ok(StatusOutput {
            branch,
            commit,
            upstream,
            ahead: ahead_behind.map(|(ahead, _)| ahead),
            behind: ahead_behind.map(|(_, behind)| behind),
            clean,
            staged: cut(status.staged, &mut left_out),
            unstaged: cut(status.unstaged, &mut left_out),
            untracked: cut(status.untracked, &mut left_out),
            conflicted: cut(status.conflicted, &mut left_out),
            left_out,
            beside: beside(&git)?,
        })
    }

    /// Stage and commit what was changed. Without a message, one is written from the changes.
    pub fn smart_commit(ctx: &Context, input: SmartCommitInput) -> Result<SmartCommitOutput> {
        let git = Self::git(ctx, input.repository.as_deref())?;
        let status = Status::parse(&git.status()?)?;
        if let Some(path) = status.conflicted.first() {
            return Err(Error::failed(format!("nothing was staged: {path} is in conflict")));
        }
        let chosen = status.paths().filter(|path| is_chosen(path, &input.paths));
        not_run::refuse_filtered(&git, chosen)?;
        git.add(&input.paths)?;
        let changes = changes::parse(&git.diff(None)?)?;
        if changes.is_empty() {
            return Err(Error::failed("there is nothing to commit"));
        }
        let message = input.message.filter(|message| !message.trim().is_empty());
        let (message, written_by) = match message {
            Some(message) => (message, "caller"),
            None => {
                let subject = model::subject(ctx.llm(), &git)?;
                let written_by = if subject.is_some() { "model" } else { "diff" };
                (message::write(subject, &changes), written_by)
            }
        };
        let author = input.author.as_ref().map(|AuthorInput { name, email }| Author { name, email });
        git.commit(&message, author)?;
        let made = commits::parse(&git.log(1, "HEAD")?)?;
        let commit = made.first().ok_or_else(|| Error::failed("the commit is not in the log"))?;
        ctx.log().info(format!("committed {}", commit.hash));
        if let Err(error) = commits::remember(ctx.memory(), commit, input.repository.as_deref()) {
            ctx.log().warn(format!("the commit is not remembered: {error}"));
        }
        let mut left_out = 0;
        Ok(SmartCommitOutput {
            hash: commit.hash.clone(),
            message,
            written_by,
            files: cut(changes, &mut left_out),
            left_out,
            beside: beside(&git)?,
        })
    }

    /// Make a branch for something new, with a name made from its title, and go to it. What was
    /// changed and not committed comes along.
    pub fn create_feature_branch(
        ctx: &Context,
        input: CreateFeatureBranchInput,
    ) -> Result<CreateFeatureBranchOutput> {
        let branch = branch::name_for(&input.title)?;
        let base = input.base.as_deref().unwrap_or("HEAD");
        branch::check(base)?;
        let git = Self::git(ctx, input.repository.as_deref())?;
        let commit = git.commit_of(&format!("{base}^{{commit}}"))?;
        let commit = commit.ok_or_else(|| Error::invalid_input(format!("there is no commit {base:?}")))?;
        git.switch_to_new(&branch, &commit)?;
        ctx.log().info(format!("made {branch}"));
        Ok(CreateFeatureBranchOutput { branch, commit, beside: beside(&git)? })
    }

    /// Write a pull request for the current branch from its commits: a title and a text in
    /// Markdown. It opens none; with `push` it pushes the branch to a remote in the workspace.
    pub fn pull_request(ctx: &Context, input: PullRequestInput) -> Result<PullRequestOutput> {
        let git = Self::git(ctx, input.repository.as_deref())?;
        let branches = branch::all(&git)?;
        let base = branch::base(&branches, input.base.as_deref())?;
        let current = current(&branches).ok_or_else(|| Error::failed("HEAD is at no branch"))?;
        if current.name == base {
            return Err(Error::failed(format!(
                "the current branch is {base} itself: go to another one first"
            )));
        }
        let commits = commits::parse(&git.log(COMMITS, &format!("{base}..HEAD"))?)?;
        if commits.is_empty() {
            return Err(Error::failed(format!("{} has no commit that {base} has not", current.name)));
        }
        let changes = changes::parse(&git.diff(Some(&format!("{base}...HEAD")))?)?;
        let (mut pushed, mut push_error) = (false, None);
        if input.push {
            let remote = input.remote.or_else(|| remote_of(current)).unwrap_or_else(|| "origin".to_owned());
            match push(&git, &remote, &current.name) {
                Ok(()) => pushed = true,
                Err(error) if error.kind() == ErrorKind::Failed => push_error = Some(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(PullRequestOutput {
            title: pull_request::title(&current.name, &commits),
            body: pull_request::body(&commits, &changes),
            branch: current.name.clone(),
            base,
            pushed,
            push_error,
            beside: beside(&git)?,
        })
    }

    /// Bring the current branch forward to what its upstream has, if that needs no merge. Only a
    /// remote in the workspace can be reached.
    pub fn auto_pull(ctx: &Context, input: AutoPullInput) -> Result<AutoPullOutput> {
        let git = Self::git(ctx, input.repository.as_deref())?;
        let branches = branch::all(&git)?;
        let mut output = AutoPullOutput::default();
        let outcome = match current(&branches) {
            None => Err("HEAD is at no branch"),
            Some(current) => {
                output.branch = Some(current.name.clone());
                pull(&git, current)?.ok_or("there is nothing new, or no upstream")
            }
        };
        match outcome {
            Err(reason) => output.reason = Some(reason.to_owned()),
            Ok(range) => {
                output.updated = true;
                let commits = commits::parse(&git.log(COMMITS, &range)?)?;
                let line =
                    |commit: commits::Commit| CommitLine { hash: commit.hash, subject: commit.subject };
                output.commits = commits.into_iter().map(line).collect();
                output.files = cut(changes::parse(&git.diff(Some(&range))?)?, &mut output.left_out);
                ctx.log().info(format!("pulled {range}"));
            }
        }
        output.beside = beside(&git)?;
        Ok(output)
    }

    /// Remove local branches whose commits are all in the base branch. Never removes the current
    /// branch, one that a worktree is at, or main, master and develop.
    pub fn cleanup_branches(ctx: &Context, input: CleanupBranchesInput) -> Result<CleanupBranchesOutput> {
        let git = Self::git(ctx, input.repository.as_deref())?;
        let branches = branch::all(&git)?;
        let base = branch::base(&branches, input.base.as_deref())?;
        let merged = text::parts(&git.merged_into(&base)?, '\n');
        let mut removed = Vec::new();
        for Branch { name, commit, .. } in branch::done_with(&branches, &merged, &base) {
            if !input.dry_run
                && let Err(error) = git.remove_reference(&format!("{HEADS}{name}"), commit)
            {
                if error.kind() == ErrorKind::Denied {
                    return Err(error);
                }
                git.warn(&format!("{name} stays: {error}"));
                continue;
            }
            removed.push(RemovedBranch { name: name.clone(), commit: commit.clone() });
        }
        ctx.log().info(format!("{} branches are merged into {base} and not needed", removed.len()));
        Ok(CleanupBranchesOutput { base, removed, dry_run: input.dry_run, beside: beside(&git)? })
    }

    /// List the commits that smart-commit made, the newest first.
    pub fn history(ctx: &Context, input: HistoryInput) -> Result<HistoryOutput> {
        let most = input.max_results.map_or(usize::MAX, |most| most.get() as usize);
        let made = commits::remembered(ctx.memory())?;
        Ok(HistoryOutput { commits: made.into_iter().take(most).map(HistoryEntry::from).collect() })
    }

    fn git<'c>(ctx: &'c Context, repository: Option<&str>) -> Result<Git<'c>> {
        Git::new(ctx.process(), ctx.workspace(), repository)
    }
}

fn beside(git: &Git<'_>) -> Result<Beside> {
    Ok(Beside { not_run: not_run::named(git)?, warnings: git.warnings() })
}

fn current(branches: &[Branch]) -> Option<&Branch> {
    branches.iter().find(|branch| branch.is_current)
}

/// Whether a path is one of those that were chosen, or in one of them; without a choice all are.
fn is_chosen(path: &str, chosen: &[String]) -> bool {
    let is_in = |chosen: &String| {
        let chosen = chosen.trim_start_matches("./").trim_end_matches('/');
        let below = path.strip_prefix(chosen);
        matches!(chosen, "" | ".") || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    chosen.is_empty() || chosen.iter().any(is_in)
}

/// Where a branch comes from, if that is another repository.
fn remote_of(branch: &Branch) -> Option<String> {
    branch.remote.clone().filter(|remote| remote != ".")
}

fn push(git: &Git<'_>, remote: &str, branch: &str) -> Result<()> {
    branch::check(remote)?;
    git.push(remote, &format!("{HEADS}{branch}:{HEADS}{branch}")).map_err(out_of_reach)
}

/// Fetches and goes forward; the range of what is new, if anything is.
fn pull(git: &Git<'_>, branch: &Branch) -> Result<Option<String>> {
    let Some(upstream) = &branch.upstream else { return Ok(None) };
    if let Some((remote, reference)) = remote_of(branch).zip(branch.remote_reference.as_deref()) {
        branch::check(&remote)?;
        branch::check(reference)?;
        git.fetch(&remote, reference).map_err(out_of_reach)?;
    }
    let old = &branch.commit;
    if git.commit_of(upstream)?.is_none_or(|new| new == *old) {
        return Ok(None);
    }
    git.fast_forward(upstream)?;
    let new = git.commit_of("HEAD")?.filter(|new| new != old);
    Ok(new.map(|new| format!("{old}..{new}")))
}

/// Says what can be done about a remote that is not on this disk.
fn out_of_reach(error: Error) -> Error {
    if !error.message().contains("not allowed") {
        return error;
    }
    Error::failed(format!(
        "{error}\nthe remote is not on this disk, and there is no network here: do it by hand"
    ))
}

/// The first entries of a list, as a result has them, and how many more there are.
fn cut<T, U: From<T>>(list: Vec<T>, left_out: &mut u64) -> Vec<U> {
    *left_out += list.len().saturating_sub(LISTED) as u64;
    list.into_iter().take(LISTED).map(U::from).collect()
}

impl From<Changed> for FileState {
    fn from(Changed { kind, path, from }: Changed) -> Self {
        Self { path, change: kind.word(), from }
    }
}

impl From<Change> for ChangedFile {
    fn from(Change { kind, path, from, lines }: Change) -> Self {
        let (added, removed) = lines.unzip();
        Self { path, change: kind.word(), from, added, removed }
    }
}

impl From<Made> for HistoryEntry {
    fn from(Made { hash, subject, time, repository }: Made) -> Self {
        Self { hash, subject, time, repository }
    }
}

#[cfg(test)]
mod tests;

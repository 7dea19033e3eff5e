//! Lists the issues of a repository, with a token of the owner that the skill never sees.

mod github;
mod http;
#[cfg(target_family = "wasm")]
mod wasi;

use std::num::NonZeroU32;

use openclaw_skill::{Context, Result, input, output, skill};

use http::Http;

const API: &str = "https://api.github.com/";
const RESULTS: usize = 30;
/// What GitHub gives at once.
const RESULTS_MOST: usize = 100;

#[input]
#[derive(Default)]
pub struct ListInput {
    /// The repository as owner/name: "rust-lang/cargo".
    repository: String,
    /// Which issues. Default: open.
    state: Option<State>,
    /// Only issues with this label.
    label: Option<String>,
    /// Return at most this many, at most 100. Default: 30.
    max_results: Option<NonZeroU32>,
    /// The root of the API, for a server of one's own. Default: "https://api.github.com/".
    api: Option<String>,
}

/// Which issues.
#[input]
#[derive(Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
pub enum State {
    #[default]
    Open,
    Closed,
    All,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }
}

#[output]
#[derive(Debug)]
pub struct ListOutput {
    /// The issues, last changed first.
    issues: Vec<Issue>,
    /// True if there may be more.
    truncated: bool,
}

#[output]
#[derive(Debug, PartialEq)]
pub struct Issue {
    number: u64,
    title: String,
    /// Open or closed.
    state: String,
    author: String,
    labels: Vec<String>,
    /// How many comments it has.
    comments: u64,
    /// When it was changed last.
    updated: String,
    /// Its page.
    url: String,
    /// True if it is a pull request.
    pull_request: bool,
}

pub struct IssueList;

#[skill]
impl IssueList {
    /// List the issues and pull requests of a GitHub repository, last changed first.
    pub fn list(ctx: &Context, input: ListInput) -> Result<ListOutput> {
        let output = list(network(), &input)?;
        ctx.log().info(format!("{} issues of {}", output.issues.len(), input.repository));
        Ok(output)
    }
}

#[cfg(target_family = "wasm")]
fn network() -> &'static dyn Http {
    &wasi::Wasi
}

/// Outside a component there is no host to ask, so nothing is allowed.
#[cfg(not(target_family = "wasm"))]
fn network() -> &'static dyn Http {
    struct Nowhere;
    impl Http for Nowhere {
        fn get(&self, url: &url::Url) -> Result<http::Answer> {
            Err(http::denied(url))
        }
    }
    &Nowhere
}

fn list(http: &dyn Http, input: &ListInput) -> Result<ListOutput> {
    let most = input.max_results.map_or(RESULTS, |most| most.get() as usize).min(RESULTS_MOST);
    let url = github::url(input.api.as_deref().unwrap_or(API), input, most)?;
    let mut issues = github::issues(&http.get(&url)?)?;
    let truncated = issues.len() >= most;
    issues.truncate(most);
    Ok(ListOutput { issues, truncated })
}

#[cfg(test)]
mod tests;

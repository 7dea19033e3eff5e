//! GitHub's list of issues: the URL to ask, and what the answer means.

use openclaw_skill::{Error, Result};
use serde::Deserialize;
use url::Url;

use crate::http::Answer;
use crate::{Issue, ListInput};

/// An issue as GitHub writes it.
#[derive(Deserialize)]
struct Written {
    number: u64,
    title: String,
    state: String,
    user: Option<User>,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    comments: u64,
    updated_at: String,
    html_url: String,
    pull_request: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

/// What GitHub says of a request that it refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// Where the issues of a repository are.
pub fn url(api: &str, input: &ListInput, most: usize) -> Result<Url> {
    let invalid = |why: String| Error::invalid_input(why);
    let mut url = Url::parse(api).map_err(|error| invalid(format!("{api:?} is not a URL: {error}")))?;
    let (owner, name) = input
        .repository
        .split_once('/')
        .filter(|(owner, name)| [*owner, *name].into_iter().all(is_name))
        .ok_or_else(|| invalid(format!("{:?} is not owner/name", input.repository)))?;
    url.path_segments_mut()
        .map_err(|()| invalid(format!("{api:?} has no path")))?
        .pop_if_empty()
        .extend(["repos", owner, name, "issues"]);
    url.query_pairs_mut()
        .clear()
        .append_pair("state", input.state.unwrap_or_default().as_str())
        .append_pair("sort", "updated")
        .append_pair("per_page", &most.to_string());
    if let Some(label) = &input.label {
        url.query_pairs_mut().append_pair("labels", label);
    }
    Ok(url)
}

fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.len() <= 100 && text.chars().all(is_plain) && !matches!(text, "." | "..")
}

/// The issues in an answer.
pub fn issues(answer: &Answer) -> Result<Vec<Issue>> {
    if answer.status != 200 {
        let refusal = serde_json::from_slice::<Refusal>(&answer.body);
        let message = refusal.map_or_else(|_| "no reason given".to_owned(), |refusal| refusal.message);
        return Err(Error::failed(format!("GitHub answers {}: {message}", answer.status)));
    }
    let written: Vec<Written> = serde_json::from_slice(&answer.body)
        .map_err(|error| Error::failed(format!("GitHub's answer is not a list of issues: {error}")))?;
    Ok(written.into_iter().map(Issue::from).collect())
}

impl From<Written> for Issue {
    fn from(written: Written) -> Self {
        Self {
            number: written.number,
            title: written.title,
            state: written.state,
            author: written.user.map_or_else(|| "ghost".to_owned(), |user| user.login),
            labels: written.labels.into_iter().map(|label| label.name).collect(),
            comments: written.comments,
            updated: written.updated_at,
            url: written.html_url,
            pull_request: written.pull_request.is_some(),
        }
    }
}

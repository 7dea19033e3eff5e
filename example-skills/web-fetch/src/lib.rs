//! Reads pages of the web that the owner allows, as text that is easy to read.

mod body;
mod http;
mod page;
#[cfg(test)]
mod testing;
#[cfg(target_family = "wasm")]
mod wasi;
mod writer;

use std::num::NonZeroU32;

use openclaw_skill::{Context, Result, input, output, skill};

use body::Kind;
use http::Http;
use page::{Anchor, Part};

/// Bytes of a body; more is not read.
const BODY: usize = 2 << 20;
const CHARS: usize = 20_000;
const CHARS_MOST: usize = 200_000;
const LINKS: usize = 200;
const LINKS_MOST: usize = 2_000;

#[input]
#[derive(Default)]
pub struct FetchInput {
    /// The page to read, an http or https URL.
    url: String,
    /// Read only the parts of the page that this CSS selector finds: "#install", "table.infobox".
    selector: Option<String>,
    /// Begin at this character of the text; to go on, give the `next_start` of the call before.
    #[serde(default)]
    start: u64,
    /// Return at most this many characters of text, at most 200000. Default: 20000.
    max_chars: Option<NonZeroU32>,
}

#[output]
#[derive(Debug, Default)]
pub struct FetchOutput {
    /// Where the text came from, after redirects.
    url: String,
    /// The HTTP status; an error page is returned too.
    status: u16,
    /// The content type that was stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// The page's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// HTML as Markdown without what is around the content; anything else as it is.
    text: String,
    /// The links in this part of the text.
    links: Vec<Link>,
    /// How long the whole text is, in characters.
    total_chars: u64,
    /// Where the rest begins, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_start: Option<u64>,
    /// True if the page was longer than 2 MiB and its end was not read.
    incomplete: bool,
}

#[input]
#[derive(Default)]
pub struct LinksInput {
    /// The page whose links are wanted, an http or https URL.
    url: String,
    /// Only links whose text or URL contains this, in any case.
    contains: Option<String>,
    /// Return at most this many, at most 2000. Default: 200.
    max_results: Option<NonZeroU32>,
}

#[output]
#[derive(Debug)]
pub struct LinksOutput {
    /// Where the links came from, after redirects.
    url: String,
    /// The HTTP status.
    status: u16,
    /// The links, in the order of the page, each URL once.
    links: Vec<Link>,
    /// True if there are more.
    truncated: bool,
}

#[output]
#[derive(Debug, PartialEq)]
pub struct Link {
    /// Its text.
    text: String,
    /// Where it leads.
    url: String,
}

pub struct WebFetch;

#[skill]
impl WebFetch {
    /// Fetch a web page and read it as Markdown, with its title and links. JSON and plain text come
    /// as they are. Follows redirects.
    pub fn fetch(ctx: &Context, input: FetchInput) -> Result<FetchOutput> {
        let output = fetch(network(), input)?;
        ctx.log().info(format!("{} {}", output.status, output.url));
        Ok(output)
    }

    /// List the links of a web page, menus included: text and URL of each.
    pub fn links(ctx: &Context, input: LinksInput) -> Result<LinksOutput> {
        let output = links(network(), input)?;
        ctx.log().info(format!("{} {}", output.status, output.url));
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
        fn get(&self, url: &url::Url, _: usize) -> Result<http::Answer> {
            Err(http::denied(url))
        }
    }
    &Nowhere
}

fn fetch(http: &dyn Http, input: FetchInput) -> Result<FetchOutput> {
    let (url, answer) = http::get(http, &input.url, BODY)?;
    let (kind, body) = body::decode(&answer)?;
    let mut output = FetchOutput {
        url: url.to_string(),
        status: answer.status,
        content_type: answer.content_type,
        incomplete: answer.cut,
        ..FetchOutput::default()
    };
    let mut anchors = Vec::new();
    let text = match kind {
        Kind::Plain => body,
        Kind::Html => {
            let part = input.selector.as_deref().map_or(Part::Main, Part::Selected);
            let page = page::read(&body, &url, part)?;
            output.title = page.title;
            anchors = page.links;
            page.text
        }
    };

    let total = text.chars().count();
    let start = usize::try_from(input.start).unwrap_or(usize::MAX).min(total);
    let length = input.max_chars.map_or(CHARS, |most| most.get() as usize).min(CHARS_MOST);
    let end = start.saturating_add(length).min(total);
    output.text = text.chars().skip(start).take(end - start).collect();
    output.links =
        anchors.into_iter().filter(|link| (start..end).contains(&link.at)).map(Link::from).collect();
    output.total_chars = total as u64;
    output.next_start = (end < total).then_some(end as u64);
    Ok(output)
}

fn links(http: &dyn Http, input: LinksInput) -> Result<LinksOutput> {
    let (url, answer) = http::get(http, &input.url, BODY)?;
    let anchors = match body::decode(&answer)? {
        (Kind::Plain, _) => Vec::new(),
        (Kind::Html, body) => page::read(&body, &url, Part::Whole)?.links,
    };
    let wanted = input.contains.unwrap_or_default().to_lowercase();
    let most = input.max_results.map_or(LINKS, |most| most.get() as usize).min(LINKS_MOST);
    let mut found = anchors.into_iter().map(Link::from).filter(|link| link.contains(&wanted));
    Ok(LinksOutput {
        url: url.to_string(),
        status: answer.status,
        links: found.by_ref().take(most).collect(),
        truncated: found.next().is_some(),
    })
}

impl Link {
    fn contains(&self, lower_case: &str) -> bool {
        self.text.to_lowercase().contains(lower_case) || self.url.to_lowercase().contains(lower_case)
    }
}

impl From<Anchor> for Link {
    fn from(anchor: Anchor) -> Self {
        Self { text: anchor.text, url: anchor.url.to_string() }
    }
}

#[cfg(test)]
mod tests;

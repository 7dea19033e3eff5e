//! From HTML to what a reader wants of it: title, text, links.

use std::collections::BTreeSet;

use ego_tree::iter::Edge;
use openclaw_skill::{Error, Result};
use scraper::{ElementRef, Html, Node, Selector, node::Element};
use url::Url;

use crate::writer::Writer;

/// What is never text, whatever part is read.
const SILENT: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "audio", "video", "head",
    "button", "select", "textarea", "input", "dialog",
];
/// What surrounds the content of a page.
const AROUND: &[&str] = &["nav", "footer"];
const BLOCKS: &[&str] = &["p", "table", "ul", "ol", "dl", "figure", "section", "article", "main", "details"];
const LINES: &[&str] =
    &["div", "tr", "dt", "dd", "header", "aside", "form", "summary", "figcaption", "caption"];

/// Which part of a page to read.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// The content without what is around it.
    Main,
    /// Everything.
    Whole,
    /// What a CSS selector finds.
    Selected(&'a str),
}

#[derive(Debug)]
pub struct Page {
    pub title: Option<String>,
    pub text: String,
    pub links: Vec<Anchor>,
}

/// A link to another page.
#[derive(Debug)]
pub struct Anchor {
    pub text: String,
    pub url: Url,
    /// Where in the page's text it stands, in characters.
    pub at: usize,
}

/// Reads a page that came from a URL.
pub fn read(html: &str, url: &Url, part: Part<'_>) -> Result<Page> {
    let html = Html::parse_document(html);
    let base = first(&html, "base[href]")?.and_then(|base| url.join(base.attr("href")?).ok());
    let title = first(&html, "title")?.or(first(&html, "h1")?).map(|title| one_line(&title));
    let mut reader = Reader {
        url,
        base: base.as_ref().unwrap_or(url),
        around: matches!(part, Part::Main),
        writer: Writer::default(),
        lists: Vec::new(),
        verbatim: 0,
        silent: 0,
        in_row: false,
        link: None,
        links: Vec::new(),
        seen: BTreeSet::new(),
    };
    for root in roots(&html, part)? {
        reader.read(root);
    }
    let text = reader.writer.finish();
    Ok(Page { title: title.filter(|title| !title.is_empty()), text, links: reader.links })
}

fn roots<'a>(html: &'a Html, part: Part<'_>) -> Result<Vec<ElementRef<'a>>> {
    match part {
        Part::Whole => Ok(vec![html.root_element()]),
        Part::Main => {
            let main = first(html, "main, [role=main]")?.or(first(html, "article:only-of-type")?);
            Ok(vec![main.unwrap_or(html.root_element())])
        }
        Part::Selected(selector) => {
            let (mut found, mut ids) = (Vec::new(), BTreeSet::new());
            for element in html.select(&parse(selector)?) {
                // In document order: what is inside of an earlier one is read with it.
                if !element.ancestors().any(|outer| ids.contains(&outer.id())) {
                    ids.insert(element.id());
                    found.push(element);
                }
            }
            if found.is_empty() {
                return Err(Error::failed(format!("nothing on the page matches the selector {selector:?}")));
            }
            Ok(found)
        }
    }
}

fn parse(selector: &str) -> Result<Selector> {
    Selector::parse(selector).map_err(|error| Error::invalid_input(format!("selector {selector:?}: {error}")))
}

fn first<'a>(html: &'a Html, selector: &str) -> Result<Option<ElementRef<'a>>> {
    Ok(html.select(&parse(selector)?).next())
}

fn one_line(element: &ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Goes through a tree without recursion: pages nest as deep as they like, a stack does not.
struct Reader<'a> {
    url: &'a Url,
    base: &'a Url,
    /// Leave out what is around the content.
    around: bool,
    writer: Writer,
    /// The lists that are open, with the next number of an ordered one.
    lists: Vec<Option<u32>>,
    /// How many open elements keep their white space.
    verbatim: usize,
    /// How many open elements are left out.
    silent: usize,
    /// Whether the table row has a cell already.
    in_row: bool,
    link: Option<Open>,
    links: Vec<Anchor>,
    seen: BTreeSet<Url>,
}

/// A link whose text is being read.
struct Open {
    /// None if it leads nowhere else.
    url: Option<Url>,
    place: usize,
    at: usize,
}

impl Reader<'_> {
    fn read(&mut self, root: ElementRef<'_>) {
        self.writer.block(2);
        for edge in root.traverse() {
            match edge {
                Edge::Open(node) => match node.value() {
                    Node::Text(text) if self.silent == 0 => self.text(text),
                    Node::Element(element) if self.silent > 0 || self.skips(element) => self.silent += 1,
                    Node::Element(element) => self.open(element),
                    _ => {}
                },
                Edge::Close(node) => match node.value() {
                    Node::Element(_) if self.silent > 0 => self.silent -= 1,
                    Node::Element(element) => self.close(element),
                    _ => {}
                },
            }
        }
    }

    fn skips(&self, element: &Element) -> bool {
        SILENT.contains(&element.name())
            || (self.around && AROUND.contains(&element.name()))
            || element.attr("hidden").is_some()
            || element.attr("aria-hidden") == Some("true")
    }

    fn text(&mut self, text: &str) {
        // The sign that documentation puts beside a heading to link to it.
        let is_sign = matches!(text.trim(), "§" | "¶" | "#");
        if is_sign && self.link.as_ref().is_some_and(|link| link.url.is_none()) {
            return;
        }
        if self.verbatim > 0 { self.writer.verbatim(text) } else { self.writer.text(text) }
    }

    fn open(&mut self, element: &Element) {
        let writer = &mut self.writer;
        match element.name() {
            "br" => writer.line(),
            "hr" => {
                writer.block(2);
                writer.piece("---");
                writer.block(2);
            }
            "pre" => {
                writer.block(2);
                writer.piece("```");
                writer.line();
                self.verbatim += 1;
            }
            "code" if self.verbatim == 0 => writer.piece("`"),
            "blockquote" => {
                writer.block(2);
                writer.indent("> ");
            }
            "ul" | "ol" => self.open_list(element),
            "li" => self.open_item(),
            "td" | "th" => {
                if std::mem::replace(&mut self.in_row, true) {
                    writer.text(" | ");
                }
            }
            "img" => {
                if let Some(alt) = element.attr("alt").filter(|alt| !alt.trim().is_empty()) {
                    writer.text(alt);
                }
            }
            "a" => self.open_link(element),
            name => {
                self.in_row &= name != "tr";
                if let Some(level) = heading(name) {
                    writer.block(2);
                    writer.mark(level);
                } else if let Some(breaks) = breaks(name) {
                    writer.block(breaks);
                }
            }
        }
    }

    fn close(&mut self, element: &Element) {
        let writer = &mut self.writer;
        match element.name() {
            "pre" => {
                self.verbatim = self.verbatim.saturating_sub(1);
                writer.line();
                writer.piece("```");
                writer.block(2);
            }
            "code" if self.verbatim == 0 => writer.close("`"),
            "blockquote" => {
                writer.outdent();
                writer.block(2);
            }
            "ul" | "ol" => {
                self.lists.pop();
                writer.block(if self.lists.is_empty() { 2 } else { 1 });
            }
            "li" => {
                writer.unmark();
                writer.outdent();
                writer.block(1);
            }
            "a" => self.close_link(),
            name if heading(name).is_some() => {
                writer.unmark();
                writer.block(2);
            }
            name => {
                if let Some(breaks) = breaks(name) {
                    writer.block(breaks);
                }
            }
        }
    }

    fn open_list(&mut self, element: &Element) {
        self.writer.block(if self.lists.is_empty() { 2 } else { 1 });
        let start = element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
        self.lists.push((element.name() == "ol").then_some(start));
    }

    fn open_item(&mut self) {
        self.writer.block(1);
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.writer.mark(&format!("{number}. "));
                *number = number.saturating_add(1);
            }
            _ => self.writer.mark("- "),
        }
        self.writer.indent("  ");
    }

    fn open_link(&mut self, element: &Element) {
        let target = element.attr("href").and_then(|href| self.base.join(href.trim()).ok());
        let url =
            target.filter(|target| matches!(target.scheme(), "http" | "https") && !self.is_here(target));
        self.link = Some(Open { url, place: self.writer.mark_place(), at: self.writer.chars() });
    }

    fn close_link(&mut self) {
        let Some(Open { url: Some(url), place, at }) = self.link.take() else { return };
        if self.seen.insert(url.clone()) {
            self.links.push(Anchor { text: self.writer.since(place), url, at });
        }
    }

    /// Whether a URL is the page itself or a place on it.
    fn is_here(&self, target: &Url) -> bool {
        let mut target = target.clone();
        target.set_fragment(None);
        target == *self.url
    }
}

fn heading(name: &str) -> Option<&'static str> {
    match name {
        "h1" => Some("# "),
        "h2" => Some("## "),
        "h3" => Some("### "),
        "h4" => Some("#### "),
        "h5" => Some("##### "),
        "h6" => Some("###### "),
        _ => None,
    }
}

fn breaks(name: &str) -> Option<usize> {
    if BLOCKS.contains(&name) { Some(2) } else { LINES.contains(&name).then_some(1) }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;

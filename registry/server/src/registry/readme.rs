//! The words of SKILL.md as HTML that can do nothing: no scripts, styles, forms or pictures from elsewhere.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark::{Event, Options, Parser, html};

/// What a reader needs, and nothing that fetches, runs or imitates.
const TAGS: [&str; 31] = [
    "a",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(TAGS).into_iter().chain(["ul"]).collect())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["https", "http", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow ugc"));
    builder
});

/// How deep quotes and lists stand in each other; what is deeper stands where the deepest does.
const MAX_DEPTH: usize = 32;

/// Renders Markdown and takes out all that is not on the list.
///
/// Tags that stand in the Markdown itself are left out before anything reads them as HTML: elements that are never
/// closed are opened again in each paragraph, which makes gigabytes of a quarter of a megabyte.
pub(super) fn render(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut depth = 0_usize;
    let bounded = Parser::new_ext(markdown, options).filter(|event| match event {
        Event::Html(_) | Event::InlineHtml(_) => false,
        Event::Start(_) => {
            depth += 1;
            depth <= MAX_DEPTH
        }
        Event::End(_) => {
            depth = depth.saturating_sub(1);
            depth < MAX_DEPTH
        }
        _ => true,
    });
    let mut rendered = String::new();
    html::push_html(&mut rendered, bounded);
    CLEANER.clean(&rendered).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_everything_that_acts_goes() {
        let html = render("# Title\n\n*a* `b` [c](https://example.com)\n\n| x |\n|-|\n| y |\n\n- one\n");
        for part in
            ["<h1>Title</h1>", "<em>a</em>", "<code>b</code>", "https://example.com", "<td>y</td>", "<ul>"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        let hostile = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))\n\n\
            <a href=\"data:text/html,x\" onclick=\"y()\">z</a>\n\n<iframe src=https://e.example></iframe>\n\n\
            <form action=https://e.example><input></form>\n\n![p](https://e.example/p.png)\n\n\
            <style>*{}</style><p style=\"position:fixed\" class=\"x\" id=\"y\">w</p>\n\n[r](../relative)\n";
        let html = render(hostile);
        for part in [
            "script",
            "onerror",
            "javascript:",
            "data:",
            "onclick",
            "iframe",
            "<form",
            "<input",
            "<img",
            "style",
            "class",
            "id=",
            "relative\"",
        ] {
            assert!(!html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn words_cost_no_more_than_their_length() {
        const SIZE: usize = openclaw_package::skill_md::MAX_SKILL_MD_SIZE;
        let open: String = (0..4000).map(|number| format!("<strong a{number}><p>")).collect();
        let reopened = format!("{open}{}", "</strong>".repeat(20_000));
        for text in [reopened, "> ".repeat(SIZE / 2), ">".repeat(SIZE), "1. ".repeat(SIZE / 3)] {
            let began = std::time::Instant::now();
            let html = render(text.get(..SIZE).unwrap_or(&text));
            assert!(html.len() < 4 * SIZE, "{}", html.len());
            assert!(began.elapsed().as_secs() < 20);
        }
        let html = render(&format!("{}deep\n\nafter\n", "> ".repeat(100)));
        assert_eq!(html.matches("<blockquote>").count(), html.matches("</blockquote>").count());
        assert!(html.contains("deep") && html.contains("<p>after</p>"), "{html}");
    }
}

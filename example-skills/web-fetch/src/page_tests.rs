//! Pages, and what is read of them.

use super::*;

fn page(html: &str, part: Part<'_>) -> Page {
    let url = Url::parse("https://a.test/dir/page?q=1").unwrap();
    read(html, &url, part).unwrap()
}

fn text(html: &str) -> String {
    page(html, Part::Main).text
}

fn links(html: &str) -> Vec<(String, String)> {
    page(html, Part::Whole).links.into_iter().map(|link| (link.text, link.url.to_string())).collect()
}

fn link(text: &str, url: &str) -> (String, String) {
    (text.to_owned(), url.to_owned())
}

#[test]
fn headings_and_paragraphs_stand_apart() {
    let html = "<h1>Title</h1><p>One\n  two <b>three</b>.</p><h3>Sub</h3>four<div>five</div>six<br>seven";
    assert_eq!(text(html), "# Title\n\nOne two three.\n\n### Sub\n\nfour\nfive\nsix\nseven");
}

#[test]
fn lists_nest_and_count() {
    let html = "<ul><li>a<ul><li>b</li><li></li></ul></li><li><p>c</p><p>d</p></li></ul>\
                <ol start=9><li>x<li>y</ol>end";
    assert_eq!(text(html), "- a\n  - b\n- c\n\n  d\n\n9. x\n10. y\n\nend");
}

#[test]
fn code_keeps_its_white_space() {
    let html = "<p>Call <code>f( x )</code>, then:</p><pre><code>fn f() {\n\n    1 &lt; 2\n}\n</code></pre><p>Done.</p>";
    assert_eq!(text(html), "Call `f( x )`, then:\n\n```\nfn f() {\n\n    1 < 2\n}\n```\n\nDone.");
}

#[test]
fn quotes_are_marked_on_every_line() {
    assert_eq!(text("<blockquote><p>a</p><p>b</p></blockquote>c"), "> a\n>\n> b\n\nc");
}

#[test]
fn tables_become_rows() {
    let html = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td> 2 </td></tr></table>";
    assert_eq!(text(html), "a | b\n1 | 2");
}

#[test]
fn what_is_no_text_is_left_out() {
    let html = "<head><title>t</title><style>x</style></head><script>1</script><p hidden>2</p><svg><text>3</text></svg>\
                <template>4</template><p aria-hidden=true>5</p><!-- 6 --><noscript>7</noscript><img alt='cat'> 8";
    assert_eq!(text(html), "cat 8");
}

#[test]
fn the_content_is_told_from_what_is_around_it() {
    let html = "<nav>menu</nav><div>ad</div><main><nav>here</nav><p>content</p></main><footer>foot</footer>";
    assert_eq!(text(html), "content");
    assert_eq!(page(html, Part::Whole).text, "menu\nad\n\nhere\n\ncontent\n\nfoot");
    assert_eq!(text("<nav>menu</nav><article>news</article>x"), "news");
    assert_eq!(text("<article>a</article><article>b</article><footer>f</footer>"), "a\n\nb");
}

#[test]
fn a_selector_picks_a_part() {
    let html = "<div class=x>a<div class=x>b</div></div><nav>c</nav><div class=x>d</div>";
    assert_eq!(page(html, Part::Selected("div.x")).text, "a\nb\n\nd");
    assert_eq!(page(html, Part::Selected("nav")).text, "c");
}

#[test]
fn a_selector_that_finds_nothing_is_told_from_a_wrong_one() {
    let url = Url::parse("https://a.test/").unwrap();
    let kind = |selector| read("<p>x", &url, Part::Selected(selector)).unwrap_err().kind();
    assert_eq!(kind("h7"), openclaw_skill::ErrorKind::Failed);
    assert_eq!(kind("p >"), openclaw_skill::ErrorKind::InvalidInput);
}

#[test]
fn the_title_is_that_of_the_head_or_the_first_heading() {
    assert_eq!(page("<title> A\n B </title><h1>C</h1>", Part::Main).title.as_deref(), Some("A B"));
    assert_eq!(page("<h1>C <i>D</i></h1>", Part::Main).title.as_deref(), Some("C D"));
    assert_eq!(page("<p>x", Part::Main).title, None);
}

#[test]
fn links_are_resolved_against_the_page() {
    let html = "<a href='x'>one</a><a href=/y?z>two</a><a href=' //b.test/ '><b>three</b>\n 3</a><a href=?q=2>four</a>";
    let expected = [
        link("one", "https://a.test/dir/x"),
        link("two", "https://a.test/y?z"),
        link("three 3", "https://b.test/"),
        link("four", "https://a.test/dir/page?q=2"),
    ];
    assert_eq!(links(html), expected);
}

#[test]
fn links_are_resolved_against_the_base_of_the_page() {
    assert_eq!(links("<base href='/other/'><a href=x>x</a>"), [link("x", "https://a.test/other/x")]);
}

#[test]
fn only_links_to_other_pages_count_and_each_once() {
    let html = "<a href=mailto:a@b>1</a><a href=javascript:x>2</a><a href=#top>3</a><a>4</a><a href='http://['>5</a>\
                <a href=x>6</a><a href=x>7</a><a href=x#part>8</a>";
    let expected = [link("6", "https://a.test/dir/x"), link("8", "https://a.test/dir/x#part")];
    assert_eq!(links(html), expected);
}

#[test]
fn signs_that_link_to_a_heading_are_no_text() {
    assert_eq!(text("<h2>Usage<a href=#usage>§</a></h2><a href=/x>#</a>"), "## Usage\n\n#");
}

#[test]
fn links_know_where_they_stand() {
    let found = page("<p>äö</p><p><a href=x>x</a>", Part::Main);
    assert_eq!((found.text.as_str(), found.links.first().map(|link| link.at)), ("äö\n\nx", Some(2)));
}

#[test]
fn nothing_and_nonsense_are_pages_too() {
    assert_eq!(text(""), "");
    assert_eq!(text("</p></ul><li>a</td></blockquote><<>"), "- a<<>");
}

#[test]
fn deep_pages_do_not_exhaust_the_stack() {
    let html = format!("{}x<br>y", "<div><blockquote>".repeat(1_500));
    assert!(text(&html).ends_with("x\n> > > > > > > > y"));
}

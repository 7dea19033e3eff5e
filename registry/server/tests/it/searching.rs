//! Search.

use openclaw_package::registry::api::SearchResults;

use crate::skill::skill;
use crate::world::{World, refusal};

pub async fn words_find_skills_and_nothing_breaks_on_them(world: World) {
    let acme = world.acme();
    for (name, description, category) in [
        ("acme/git-helper", "Writes messages for commits.", "developer-tools"),
        ("acme/weather", "Tells the weather of a city, größer als git.", "daily-life"),
        ("acme/calendar", "Finds free time between meetings.", "daily-life"),
    ] {
        let mut new = skill(name, "1.0.0");
        (new.description, new.category) = (description.to_owned(), Some(category.to_owned()));
        acme.publish(&new).await;
    }
    let find = async |query: &str| {
        let found: SearchResults =
            serde_json::from_value(world.json(&format!("/api/v1/search?{query}")).await).unwrap();
        let names = found.results.iter().map(|hit| hit.skill.name().to_string()).collect::<Vec<_>>();
        (names, found.next)
    };
    assert_eq!(find("q=git").await.0, ["git-helper", "weather"], "the name weighs more");
    assert_eq!(find("q=helper").await.0, ["git-helper"]);
    assert_eq!(find("q=meet").await.0, ["calendar"], "the last word may be the start of one");
    assert_eq!(find("q=meet+time").await.0, ["calendar"], "some of the words, where no skill has all");
    assert_eq!(find("q=gr%C3%B6%C3%9Fer").await.0, ["weather"]);
    assert_eq!(find("q=daily").await.0.len(), 2, "the category is searched too");
    assert_eq!(find("q=weather&category=developer-tools").await.0.len(), 0);
    assert_eq!(find("q=says&category=daily-life").await.0.len(), 2, "and so are the tools");
    assert_eq!(find("category=daily-life").await.0.len(), 2);
    assert_eq!(find("publisher=acme").await.0.len(), 3);
    assert_eq!(find("publisher=other&q=git").await.0.len(), 0);
    let (first, next) = find("limit=2").await;
    assert_eq!((first.len(), next), (2, Some(2)));
    let (rest, next) = find("limit=2&offset=2").await;
    assert_eq!((rest.len(), next), (1, None));
    assert!(!first.contains(&rest[0]));

    for hostile in [
        "\"",
        "'",
        "\"\"",
        "*",
        "git*",
        "*git",
        "NEAR(git helper)",
        "name:git",
        "-git",
        "^git",
        "git AND",
        "OR",
        "NOT git",
        "(",
        ")",
        "git)",
        "{name}: git",
        "git & | !",
        "git:*",
        "':*",
        "<->",
        "\\",
        "\\'",
        "%",
        "_",
        "a".repeat(4000).as_str(),
        "'; DROP TABLE skills; --",
        "git\u{202e}",
        "\u{1f600}",
        "①",
        "²",
        "\u{fffd}",
        "a b c d e f g h i j k l m n",
    ] {
        let response = world.get("/api/v1/search").query(&[("q", hostile)]).send().await.unwrap();
        assert_eq!(response.status(), 200, "{hostile}");
    }
    for (query, code) in [
        ("q=git&q=x", "bad-parameter"),
        ("q=%00", "bad-parameter"),
        ("limit=101", "bad-parameter"),
        ("limit=0", "bad-parameter"),
        ("limit=x", "bad-parameter"),
        ("limit=-1", "bad-parameter"),
        ("offset=99999999999999999999", "bad-parameter"),
        ("sort=name", "unknown-parameter"),
        ("category=Not+One", "invalid-name"),
        ("publisher=..%2f", "invalid-name"),
        (&format!("q={}", "a".repeat(5000)), "bad-parameter"),
    ] {
        let response = world.get(&format!("/api/v1/search?{query}")).send().await.unwrap();
        assert_eq!(refusal(response).await, (400, code.to_owned()), "{query}");
    }
}

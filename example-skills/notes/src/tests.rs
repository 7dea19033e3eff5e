//! The tools, called by name with JSON as the host calls them.

use openclaw_skill::json::{Value, json};
use openclaw_skill::{ErrorKind, Skill};

use super::*;

fn call(ctx: &Context, tool: &str, input: Value) -> Result<Value> {
    let output = Notes::call(ctx, tool, &input.to_string())?;
    Ok(openclaw_skill::json::from_str(&output)?)
}

fn ok(ctx: &Context, tool: &str, input: Value) -> Value {
    call(ctx, tool, input).unwrap()
}

fn kind(ctx: &Context, tool: &str, input: Value) -> ErrorKind {
    call(ctx, tool, input).unwrap_err().kind()
}

fn add(ctx: &Context, title: &str, body: &str, tags: &[&str]) -> Value {
    ok(ctx, "add", json!({ "title": title, "body": body, "tags": tags }))["id"].clone()
}

fn titles(notes: &Value) -> Vec<&str> {
    notes.as_array().unwrap().iter().map(|note| note["title"].as_str().unwrap()).collect()
}

#[test]
fn a_note_is_kept_as_it_was_given() {
    let ctx = Context::fake();
    let added =
        ok(&ctx, "add", json!({ "title": "Plan", "body": "# Big\n\n- [ ] one\n", "tags": ["To Do"] }));
    let note = ok(&ctx, "get", json!({ "id": added["id"] }));
    assert_eq!(note["title"], "Plan");
    assert_eq!(note["body"], "# Big\n\n- [ ] one");
    assert_eq!(note["tags"], json!(["to-do"]));
    assert_eq!(note["created"], note["updated"]);
    assert_eq!(note["id"], added["id"]);
}

#[test]
fn the_last_changed_comes_first() {
    let ctx = Context::fake();
    let first = add(&ctx, "first", "", &["a"]);
    std::thread::sleep(std::time::Duration::from_millis(3));
    add(&ctx, "second", "", &["a", "b"]);
    assert_eq!(titles(&ok(&ctx, "list", json!({}))["notes"]), ["second", "first"]);
    std::thread::sleep(std::time::Duration::from_millis(3));
    ok(&ctx, "update", json!({ "id": first, "append": "more" }));
    let list = ok(&ctx, "list", json!({}));
    assert_eq!(titles(&list["notes"]), ["first", "second"]);
    assert_eq!((&list["total"], &list["tags"]), (&json!(2), &json!({ "a": 2, "b": 1 })));
}

#[test]
fn lists_are_narrowed_and_paged() {
    let ctx = Context::fake();
    for title in ["one", "two", "three"] {
        add(&ctx, title, "", if title == "two" { &["Even"] } else { &[] });
    }
    assert_eq!(titles(&ok(&ctx, "list", json!({ "tag": "even" }))["notes"]), ["two"]);
    let page = ok(&ctx, "list", json!({ "skip": 1, "max_results": 1 }));
    assert_eq!((titles(&page["notes"]).len(), &page["total"]), (1, &json!(3)));
}

#[test]
fn search_wants_every_word_and_ranks_titles() {
    let ctx = Context::fake();
    add(&ctx, "Bread", "Needs flour and\nsome Milk.", &["kitchen"]);
    add(&ctx, "Milk", "Two litres.", &["kitchen", "shopping"]);
    add(&ctx, "Paint", "White.", &[]);
    let hits = |input: Value| ok(&ctx, "search", input);
    let found = hits(json!({ "query": "milk" }));
    assert_eq!(titles(&found["hits"]), ["Milk", "Bread"]);
    assert_eq!(found["hits"][1]["lines"], json!(["some Milk."]));
    assert_eq!(titles(&hits(json!({ "query": "FLOUR kitchen" }))["hits"]), ["Bread"]);
    assert_eq!(titles(&hits(json!({ "query": "milk", "tag": "shopping" }))["hits"]), ["Milk"]);
    assert_eq!(hits(json!({ "query": "flour paint" }))["total"], 0);
    assert_eq!(hits(json!({ "query": "i", "max_results": 1 }))["total"], 3);
}

#[test]
fn an_update_changes_what_it_names_only() {
    let ctx = Context::fake();
    let id = add(&ctx, "Old", "one", &["x"]);
    let read = || ok(&ctx, "get", json!({ "id": id }));
    ok(&ctx, "update", json!({ "id": id, "append": "two" }));
    assert_eq!((&read()["body"], &read()["title"]), (&json!("one\n\ntwo"), &json!("Old")));
    ok(&ctx, "update", json!({ "id": id, "title": "New", "tags": [], "body": "" }));
    assert_eq!((&read()["body"], &read()["title"], &read()["tags"]), (&json!(""), &json!("New"), &json!([])));
    ok(&ctx, "update", json!({ "id": id, "append": "three" }));
    assert_eq!(read()["body"], "three");
}

#[test]
fn updates_that_mean_nothing_are_refused() {
    let ctx = Context::fake();
    let id = add(&ctx, "t", "kept", &[]);
    for wrong in
        [json!({}), json!({ "body": "a", "append": "b" }), json!({ "title": "" }), json!({ "tags": ["?"] })]
    {
        let mut input = wrong.clone();
        input["id"] = id.clone();
        assert_eq!(kind(&ctx, "update", input), ErrorKind::InvalidInput, "{wrong}");
    }
    assert_eq!(ok(&ctx, "get", json!({ "id": id }))["body"], "kept");
}

#[test]
fn what_is_removed_is_given_back_and_gone() {
    let ctx = Context::fake();
    let id = add(&ctx, "t", "last words", &[]);
    assert_eq!(ok(&ctx, "remove", json!({ "id": id }))["body"], "last words");
    assert_eq!(kind(&ctx, "get", json!({ "id": id })), ErrorKind::Failed);
    assert_eq!(kind(&ctx, "remove", json!({ "id": id })), ErrorKind::Failed);
    assert_eq!(ok(&ctx, "list", json!({}))["total"], 0);
}

#[test]
fn an_id_cannot_lead_out_of_the_directory() {
    let ctx = Context::fake();
    for id in ["../x", "/etc/passwd", "a/../../x", "", ".", "x.md"] {
        for tool in ["get", "remove", "update"] {
            assert_eq!(kind(&ctx, tool, json!({ "id": id })), ErrorKind::InvalidInput, "{tool} {id:?}");
        }
    }
}

use super::*;

fn key(conversation: &str) -> SessionKey {
    SessionKey {
        agent: "coder".into(),
        channel: "chat".into(),
        peer: "ada".into(),
        conversation: conversation.into(),
    }
}

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

fn assistant(text: &str, calls: usize) -> Message {
    let call = |n: usize| crate::model::ModelCall {
        id: format!("c{n}"),
        tool: "acme__x__y".into(),
        arguments: "{}".into(),
    };
    Message::Assistant { text: text.to_owned(), calls: (0..calls).map(call).collect() }
}

fn result(id: &str) -> CallResult {
    CallResult { id: id.to_owned(), tool: "acme__x__y".into(), text: "done".into(), failed: false }
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The store as another process would find it.
    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0.path().join("sessions.db")).unwrap()
    }
}

#[tokio::test]
async fn a_turn_is_found_where_it_was_left_at_each_of_its_steps() {
    let file = Dir::new();
    let (store, id) = (file.open(), file.open().open(&key("1")).await.unwrap());
    let received = store.receive(id, "commit it").await.unwrap();
    assert_eq!(file.open().waiting(id).await.unwrap(), [(received, "commit it".to_owned())]);
    assert_eq!(file.open().unfinished("coder").await.unwrap(), [Opened { id, key: key("1") }]);

    store.begin_turn(id, received, &user("commit it")).await.unwrap();
    let left = file.open().load(id).await.unwrap();
    assert!(left.is_open && left.messages == [user("commit it")]);
    assert!(file.open().waiting(id).await.unwrap().is_empty());

    let totals = Totals { usage: Usage { input: 5, cached: 1, output: 2 }, cost: 7 };
    store.say(id, &assistant("I will", 2), totals, &[0]).await.unwrap();
    store.begin_calls(id, &[1]).await.unwrap();
    store.end_call(id, 0, &result("c0")).await.unwrap();
    let left = file.open().load(id).await.unwrap();
    assert_eq!(left.totals, totals);
    let begun = [Begun { position: 0, result: Some(result("c0")) }, Begun { position: 1, result: None }];
    assert_eq!(left.begun, begun);

    let answers = Message::Tool { results: vec![result("c0"), result("c1")] };
    store.answer_calls(id, &answers).await.unwrap();
    store.say(id, &assistant("done", 0), totals, &[]).await.unwrap();
    store.end_turn(id).await.unwrap();
    let left = file.open().load(id).await.unwrap();
    assert!(!left.is_open && left.begun.is_empty() && left.messages.len() == 4);
    assert!(file.open().unfinished("coder").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_summary_takes_the_place_of_what_it_sums_up_and_nothing_is_lost() {
    let file = Dir::new();
    let store = file.open();
    let id = store.open(&key("1")).await.unwrap();
    for n in 0..4 {
        let received = store.receive(id, "x").await.unwrap();
        store.begin_turn(id, received, &user(&n.to_string())).await.unwrap();
    }
    store.summarise(id, 2, "zero and one").await.unwrap();
    store.summarise(id, 1, "zero to two").await.unwrap();
    let left = store.load(id).await.unwrap();
    assert_eq!((left.summary.as_deref(), left.messages), (Some("zero to two"), vec![user("3")]));
    assert_eq!(store.history(id, 100).await.unwrap().len(), 4);
    assert_eq!(store.history(id, 1).await.unwrap(), [user("3")]);
}

#[tokio::test]
async fn sessions_are_told_apart_by_every_part_of_their_key() {
    let store = Dir::new().open();
    let mut ids = Vec::new();
    for change in 0..5 {
        let mut key = key("1");
        let part = [&mut key.agent, &mut key.channel, &mut key.peer, &mut key.conversation];
        if let Some(part) = part.into_iter().nth(change) {
            part.push('x');
        }
        assert_eq!(store.find(&key).await.unwrap(), None);
        ids.push(store.open(&key).await.unwrap());
        assert_eq!(store.open(&key).await.unwrap(), ids[change]);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let known = store.conversations("coder", "chat", "ada", 10).await.unwrap();
    assert_eq!(known.len(), 2, "{known:?}");
}

#[tokio::test]
async fn what_was_withdrawn_is_not_answered_and_approvals_are_of_one_package() {
    let file = Dir::new();
    let store = file.open();
    let id = store.open(&key("1")).await.unwrap();
    let received = store.receive(id, "never mind").await.unwrap();
    store.withdraw(id, received).await.unwrap();
    assert!(store.waiting(id).await.unwrap().is_empty());
    let approved = Approved { tool: "acme/x/y".parse().unwrap(), package: "sha256:1".into() };
    store.approve(id, &approved).await.unwrap();
    store.approve(id, &approved).await.unwrap();
    assert_eq!(file.open().load(id).await.unwrap().approved, [approved]);
}

#[test]
fn a_file_of_a_newer_layout_is_refused_and_the_file_is_ones_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = Dir::new();
    drop(file.open());
    let path = file.0.path().join("sessions.db");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Newer { found: 2, known: 1 })));
}

#[tokio::test]
async fn only_one_process_at_a_time_holds_a_session() {
    let file = Dir::new();
    // Each opening of the file stands for a process of its own.
    let (one, two) = (file.open(), file.open());
    let (first, second) = (one.open(&key("1")).await.unwrap(), one.open(&key("2")).await.unwrap());
    let held = one.hold(first).unwrap().unwrap();
    assert!(two.hold(first).unwrap().is_none());
    let other = two.hold(second).unwrap().unwrap();
    assert!(one.hold(second).unwrap().is_none());
    drop(held);
    assert!(two.hold(first).unwrap().is_some());
    drop(other);
    assert!(one.hold(second).unwrap().is_some());
}

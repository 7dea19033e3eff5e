//! Permissions: each part as text, and whole requests as JSON.

use std::path::Component;

use openclaw_package::{
    AbsolutePath, Access, FilesystemRequest, HostPattern, Method, MethodSet, PermissionKind, Reason,
    Requests, Scheme, SecretHost, Tree,
};

use super::{hides, process, text, told, url_pattern};

/// Each line is read as each part of a permission; two that are trees or requests are held against each other.
pub fn permission(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let (mut trees, mut all) = (Vec::new(), Vec::new());
    process::lines(text);
    for line in text.lines().take(16) {
        words(line);
        process::words(line);
        trees.extend(tree(line));
        all.extend(requests(line));
    }
    for (outer, inner) in trees.iter().flat_map(|outer| trees.iter().map(move |inner| (outer, inner))) {
        assert_eq!(outer.contains(inner), is_below(outer, inner), "{outer} {inner}");
    }
    for (outer, inner) in all.iter().flat_map(|outer| all.iter().map(move |inner| (outer, inner))) {
        assert!(!outer.covers(inner) || holds(outer, inner), "{outer:?} {inner:?}");
    }
}

/// What no request can be, wherever it was read.
pub(super) fn check(requests: &Requests) {
    assert!(requests.covers(requests) && requests.covers(&Requests::default()));
    assert_eq!(requests.is_empty(), Requests::default().covers(requests));
    for request in &requests.filesystem {
        reason(&request.reason);
    }
    for request in &requests.network {
        reason(&request.reason);
        let local = match request.url.host() {
            HostPattern::Exact(domain) => domain.as_str() == "localhost",
            HostPattern::Suffix(_) => request.internal,
            HostPattern::Address(address) => address.is_loopback() || address.is_unspecified(),
        };
        let one_host = !matches!(request.url.host(), HostPattern::Suffix(_));
        assert!(!local || request.internal && one_host, "{}", request.url);
    }
    for request in &requests.process {
        reason(&request.reason);
        process::check(request);
    }
    if let Some(request) = &requests.memory {
        reason(&request.reason);
        assert!((1..=64 << 20).contains(&request.quota.as_u64()));
    }
    for request in &requests.secret {
        reason(&request.reason);
        let origin = request.host.origin();
        assert!(origin.scheme() == Scheme::Https && !matches!(origin.host(), HostPattern::Suffix(_)));
        assert_eq!(request.host.to_string().parse::<SecretHost>().ok().as_ref(), Some(&request.host));
    }
    let json = serde_json::to_vec(requests).expect("requests are text and numbers");
    assert_eq!(serde_json::from_slice::<Requests>(&json).ok().as_ref(), Some(requests));
}

fn words(line: &str) {
    match line.parse::<Access>() {
        Ok(access) => assert_eq!(access.as_str(), line),
        Err(error) => told(&error, error.code(), error.hint()),
    }
    match line.parse::<PermissionKind>() {
        Ok(kind) => assert_eq!(kind.as_str(), line),
        Err(error) => told(&error, error.code(), error.hint()),
    }
    match line.parse::<MethodSet>() {
        Ok(methods) => {
            assert_eq!(methods.to_string().parse::<MethodSet>().as_ref(), Ok(&methods));
            let named: Vec<&str> = line.split(',').collect();
            for method in Method::ALL {
                assert_eq!(methods.contains(method), named.contains(&method.as_str()));
            }
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
    match line.parse::<Reason>() {
        Ok(read) => {
            assert_eq!(read.as_str(), line);
            reason(&read);
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
}

fn reason(reason: &Reason) {
    let text = reason.as_str();
    assert!(!text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(hides), "{text:?}");
}

/// A tree is a variable, or a path that the system reads as it is written.
fn tree(line: &str) -> Option<Tree> {
    let tree: Tree = line
        .parse()
        .map_err(|error: openclaw_package::PermissionError| {
            told(&error, error.code(), error.hint());
        })
        .ok()?;
    assert_eq!(tree.to_string(), line);
    if let Tree::Path(path) = &tree {
        assert_eq!(line.parse::<AbsolutePath>().as_ref(), Ok(path));
        let mut components = path.as_path().components();
        assert_eq!(components.next(), Some(Component::RootDir));
        let names: Vec<&str> = components
            .map(|component| match component {
                Component::Normal(name) => name.to_str().expect("it was text"),
                other => panic!("{other:?} in {line:?}"),
            })
            .collect();
        assert_eq!(format!("/{}", names.join("/")), line);
        assert!(!matches!(names.first(), None | Some(&("workspace" | "data"))), "{line:?}");
        assert!(!line.chars().any(hides));
    }
    Some(tree)
}

fn requests(line: &str) -> Option<Requests> {
    let requests: Requests = serde_json::from_str(line).ok()?;
    check(&requests);
    Some(requests)
}

/// Whether one tree lies in another, told by text alone.
fn is_below(outer: &Tree, inner: &Tree) -> bool {
    let (outer, inner) = (outer.as_str(), inner.as_str());
    outer == inner || !outer.starts_with('$') && inner.starts_with(&format!("{outer}/"))
}

/// Whether each thing that is asked by one is asked by the other, compared part by part as text.
fn holds(outer: &Requests, inner: &Requests) -> bool {
    let files = |mine: &FilesystemRequest, theirs: &FilesystemRequest| {
        is_below(&mine.tree, &theirs.tree) && (mine.access == Access::Write || theirs.access == Access::Read)
    };
    let quota = |requests: &Requests| requests.memory.as_ref().map_or(0, |memory| memory.quota.as_u64());
    quota(outer) >= quota(inner)
        && inner
            .process
            .iter()
            .all(|theirs| outer.process.iter().any(|mine| process::may_cover(mine, theirs)))
        && inner.filesystem.iter().all(|theirs| outer.filesystem.iter().any(|mine| files(mine, theirs)))
        && inner.network.iter().all(|theirs| {
            outer.network.iter().any(|mine| {
                url_pattern::may_cover(&mine.url, &theirs.url)
                    && theirs.methods.iter().all(|method| mine.methods.contains(method))
                    && mine.internal >= theirs.internal
            })
        })
}

//! What a component imports, and the proof that it is no more than the manifest asks.

use openclaw_package::{Imports, Interface, Manifest, Requests};

use crate::common::{MANIFEST, component};

const TOOLS: &str = "openclaw:skill/tools@1.0.0";

fn prove(imports: &[&str], requests: &Requests) -> Result<(), (&'static str, String)> {
    Imports::read(&component(imports, &[TOOLS]))
        .unwrap()
        .prove(requests)
        .map_err(|error| (error.code(), format!("{error}. {}", error.hint().unwrap())))
}

fn code(imports: &[&str]) -> &'static str {
    prove(imports, &Requests::default()).unwrap_err().0
}

fn all() -> Requests {
    let process = "[[permission.process]]\nprogram = \"git\"\nargs = [[\"status\"]]\nreason = \"looks\"\n";
    let text = format!(
        "{MANIFEST}[permission.memory]\nreason = \"remembers\"\n[permission.llm]\nreason = \"asks\"\n[permission.ask]\nreason = \"asks\"\n{process}"
    );
    Manifest::parse(&text).unwrap().requests().clone()
}

#[test]
fn bytes_that_are_no_component_are_told_apart() {
    let read = |bytes: &[u8]| Imports::read(bytes).unwrap_err();
    assert_eq!(read(b"").code(), "not-wasm");
    assert_eq!(read(b"#!/bin/sh").code(), "not-wasm");
    assert_eq!(read(b"\0asm").code(), "not-wasm");
    assert_eq!(read(b"\x7fELF\x02\x01").code(), "precompiled");
    let module = read(&wat::parse_str("(module)").unwrap());
    assert_eq!(module.code(), "core-module");
    assert_eq!(
        format!("{module}; {}", module.hint().unwrap()),
        "this is a core module, not a component; build for wasm32-wasip2, or run `openclaw skill build`"
    );
    let mut cut = component(&[], &[TOOLS]);
    cut.truncate(cut.len() - 3);
    assert_eq!(read(&cut).code(), "invalid-component");
    assert_eq!(read(&vec![0; (48 << 20) + 1]).code(), "component-too-large");
}

#[test]
fn proposals_that_a_skill_does_not_need_are_off() {
    for core in [
        "(memory 1 1 shared)",
        "(memory i64 1)",
        "(memory 1) (memory 1)",
        "(type (struct))",
        "(tag)",
        "(func (result f32x4) unreachable)",
    ] {
        if let Ok(bytes) = wat::parse_str(format!("(component (core module {core}))")) {
            assert_eq!(Imports::read(&bytes).unwrap_err().code(), "invalid-component", "{core}");
        }
    }
    let simd = "(component (core module (memory 1) (func (result v128) v128.const i32x4 0 0 0 0)))";
    Imports::read(&wat::parse_str(simd).unwrap()).unwrap();
}

#[test]
fn only_the_components_own_imports_count() {
    let nested = "(component
        (component (import \"evil:inner/x\" (instance)))
        (core module (import \"env\" \"f\" (func)))
        (import \"wasi:io/poll@0.2.3\" (instance))
        (instance $empty)
        (export \"openclaw:skill/tools@1.0.0\" (instance $empty)))";
    let imports = Imports::read(&wat::parse_str(nested).unwrap()).unwrap();
    let names: Vec<String> = imports.imports().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["wasi:io/poll@0.2.3"]);
    assert_eq!(imports.exports().next().unwrap().to_string(), TOOLS);
    assert_eq!(imports.prove(&Requests::default()), Ok(()));
}

#[test]
fn imports_that_are_no_interface_are_refused() {
    for import in [
        "(import \"f\" (func))",
        "(import \"thing\" (instance))",
        "(import \"openclaw:skill/log@1.0.0\" (func))",
        "(import \"m\" (core module))",
        "(import \"c\" (component))",
        "(import \"r\" (type (sub resource)))",
        "(import \"unlocked-dep=<wasi:io>\" (component))",
    ] {
        let bytes = wat::parse_str(format!("(component {import})")).unwrap();
        let code = Imports::read(&bytes).unwrap_err().code();
        assert!(matches!(code, "not-an-interface" | "invalid-component"), "{import}: {code}");
    }
}

#[test]
fn the_baseline_needs_no_permission() {
    let none = Requests::default();
    for import in [
        "openclaw:skill/log@1.0.0",
        "wasi:cli/environment@0.2.0",
        "wasi:cli/terminal-stderr@0.2.6",
        "wasi:io/error@0.2.12",
        "wasi:clocks/wall-clock@0.2.3",
        "wasi:random/insecure-seed@0.2.4",
        "wasi:filesystem/types@0.2.6",
        "wasi:filesystem/preopens@0.2.6",
    ] {
        assert_eq!(prove(&[import], &none), Ok(()), "{import}");
    }
}

#[test]
fn permissions_are_needed_for_the_rest() {
    for import in [
        "openclaw:skill/memory@1.0.0",
        "openclaw:skill/llm@1.0.0",
        "openclaw:skill/ask@1.0.0",
        "openclaw:skill/process@1.0.0",
        "wasi:http/types@0.2.12",
        "wasi:http/outgoing-handler@0.2.0",
    ] {
        assert_eq!(code(&[import]), "undeclared-import", "{import}");
        assert_eq!(prove(&[import], &all()), Ok(()), "{import}");
    }
    let (_, text) = prove(&["openclaw:skill/memory@1.0.0"], &Requests::default()).unwrap_err();
    insta::assert_snapshot!(text, @"the component imports openclaw:skill/memory@1.0.0, which the manifest does not declare. add [permission.memory] to openclaw/skill.toml, or drop the code that uses it");
}

#[test]
fn nothing_else_is_served_whatever_the_manifest_asks() {
    for (import, code) in [
        ("wasi:sockets/tcp@0.2.12", "forbidden-import"),
        ("wasi:http/incoming-handler@0.2.12", "forbidden-import"),
        ("wasi:io/pol@0.2.0", "unknown-import"),
        ("wasi:cli/run@0.2.0", "unknown-import"),
        ("wasi:keyvalue/store@0.2.0", "unknown-import"),
        ("openclaw:skill/processes@1.0.0", "unknown-import"),
        ("openclaw:skil/log@1.0.0", "unknown-import"),
        ("evil:x/y", "unknown-import"),
        ("wasi:io/poll@0.2.13", "newer-wit"),
        ("wasi:io/poll@0.3.0", "newer-wit"),
        ("wasi:cli/new-thing@0.2.99", "newer-wit"),
        ("openclaw:skill/log@1.1.0", "newer-wit"),
        ("openclaw:skill/process@2.0.0", "newer-wit"),
        ("wasi:io/poll", "older-wit"),
        ("wasi:io/poll@0.1.0", "older-wit"),
        ("wasi:io/poll@0.2.0-rc-2023-11-10", "older-wit"),
        ("openclaw:skill/log@0.9.0", "older-wit"),
    ] {
        assert_eq!(prove(&[import], &all()).unwrap_err().0, code, "{import}");
    }
    let (_, text) = prove(&["wasi:io/stream@0.2.0"], &all()).unwrap_err();
    insta::assert_snapshot!(text, @"the component imports wasi:io/stream@0.2.0, which this host does not know. the nearest one it knows is wasi:io/streams");
    let (_, text) = prove(&["wasi:io/poll@0.3.0"], &all()).unwrap_err();
    insta::assert_snapshot!(text, @"the component needs wasi:io/poll@0.3.0, and this host serves up to 0.2.12. update openclaw");
}

#[test]
fn the_tools_are_exported_and_nothing_else() {
    let code = |exports: &[&str]| {
        let imports = Imports::read(&component(&[], exports)).unwrap();
        imports.prove(&Requests::default()).map_err(|error| error.code())
    };
    assert_eq!(code(&[TOOLS]), Ok(()));
    assert_eq!(code(&[]), Err("missing-export"));
    assert_eq!(code(&["openclaw:skill/tools@1.1.0"]), Err("newer-wit"));
    assert_eq!(code(&["openclaw:skill/tools"]), Err("older-wit"));
    assert_eq!(code(&[TOOLS, "wasi:cli/run@0.2.0"]), Err("unexpected-export"));
    assert_eq!(code(&[TOOLS, "thing"]), Err("unexpected-export"));
}

#[test]
fn interfaces_are_written_as_they_are_read() {
    for text in ["wasi:io/poll@0.2.0", "a:b/c", "openclaw:skill/tools@1.0.0-rc.1"] {
        assert_eq!(text.parse::<Interface>().unwrap().to_string(), text);
    }
    for bad in ["", "a", "a/b", "a:b", "a:b/c@", "a:b/c@1", "a:/c", ":b/c", "a:b/c/d", "a:b:c/d"] {
        assert!(bad.parse::<Interface>().is_err(), "{bad}");
    }
}

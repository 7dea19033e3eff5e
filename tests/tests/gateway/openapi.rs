//! The OpenAPI document against what is answered, by a tool that believes neither.

use std::path::{Path, PathBuf};
use std::process::Command;

use openclaw_tests::Home;
use openclaw_tests::gateway::Gateway;
use serde_json::json;

use crate::home;

/// Programs of Python's that `scripts/test` installs.
fn python(program: &str) -> PathBuf {
    let path = Path::new(env!("OPENCLAW_TESTS_TARGET")).join("tests/python/bin").join(program);
    assert!(path.is_file(), "{} is not there: run scripts/test once, which installs it", path.display());
    path
}

/// Has it try the gateway with further arguments.
fn schemathesis(home: &Home, gateway: &Gateway<'_>, arguments: &[&str]) {
    let url = format!("http://{}/openapi.json", gateway.address());
    let mut run = Command::new(python("schemathesis"));
    run.args(["run", &url, "--header", &format!("Authorization: Bearer {}", gateway.token())])
        .args(["--max-examples", "40", "--seed", "1", "--no-color", "--checks", "all"])
        .args(arguments)
        // What it keeps goes with the test.
        .current_dir(home.path("home"));
    let ran = run.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
}

#[test]
fn schemathesis_finds_no_failure() {
    let home = home();
    let gateway = Gateway::start(&home);
    schemathesis(
        &home,
        &gateway,
        &["/mcp", "/ws", "/api/v1/chat"].map(|path| ["--exclude-path", path]).concat(),
    );
    // What a tool takes is for its own schema to say, and what a message is for MCP; who may be spoken with is the owner's
    // word, and how a WebSocket begins the protocol's: there, more is refused than the document can know.
    let known = "[parameters]\npublisher = \"acme\"\nskill = \"compute\"\ntool = \"echo\"\n";
    std::fs::write(home.path("home").join("schemathesis.toml"), known).unwrap();
    let call = "/api/v1/tools/{publisher}/{skill}/{tool}";
    let included = [call, "/mcp", "/ws", "/api/v1/chat"].map(|path| ["--include-path", path]);
    let mut but = included.concat();
    but.extend(["--exclude-checks", "positive_data_acceptance"]);
    schemathesis(&home, &gateway, &but);
    assert!(
        gateway.get("/metrics").text().contains("openclaw_skill_executions_total{skill=\"acme/compute\"}")
    );
}

#[test]
fn the_metrics_are_what_prometheus_reads() {
    let home = home();
    let gateway = Gateway::start(&home);
    gateway.call("compute/echo", &json!({ "text": "x" })).ok();
    let path = home.path("metrics.txt");
    std::fs::write(&path, gateway.get("/metrics").body).unwrap();
    let script = "import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n\
        names = {family.name for family in read(open(sys.argv[1]).read())}\n\
        wanted = {'openclaw_skill_executions', 'openclaw_request_duration_ms', 'process_resident_memory_bytes'}\n\
        assert wanted <= names, names\n";
    let ran = Command::new(python("python")).args(["-c", script]).arg(path).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

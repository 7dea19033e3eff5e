//! The owner's own commands: status, metrics, the unit.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;

use openclaw_tests::Home;
use openclaw_tests::gateway::Gateway;
use serde_json::json;

use crate::{configure, home};

/// Chooses a port that is free now.
fn with_port(home: &Home) -> u16 {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    configure(home, &format!("gateway: {{ port: {port} }}\n"));
    port
}

#[test]
fn status_and_metrics_ask_the_gateway_that_runs() {
    let home = home();
    let port = with_port(&home);
    for arguments in [&["gateway", "--status"][..], &["metrics"]] {
        let error = home.run(arguments).error();
        assert_eq!((error.exit, error.code.as_str()), (7, "gateway-unreachable"), "{arguments:?}");
        assert_eq!(error.hint.as_deref(), Some("start it: openclaw gateway"));
    }
    let gateway = Gateway::start_with(&home, &["--listen", &format!("127.0.0.1:{port}")]);
    gateway.call("compute/echo", &json!({ "text": "x" })).ok();
    let status = home.run(["gateway", "--status"]).json();
    assert_eq!(
        (&status["status"], &status["ready"], &status["agents"]),
        (&json!("healthy"), &json!(true), &json!(0))
    );
    let metrics = home.plain(["metrics", "--format=json"]).json();
    for (key, least) in
        [("uptime", 0.0), ("active_skills", 1.0), ("memory_usage_mb", 1.0), ("total_requests", 4.0)]
    {
        assert!(metrics[key].as_f64() >= Some(least), "{key} in {metrics}");
    }
    assert!(metrics["avg_response_time_ms"].as_f64() > Some(0.0), "{metrics}");
    assert_eq!((&metrics["tool_calls"], &metrics["active_skills"]), (&json!(1), &json!(1)));
    assert!(
        home.plain(["metrics", "--format=prometheus"]).success().contains("openclaw_skill_executions_total{")
    );
    assert!(home.plain(["metrics"]).success().contains("places taken"));
    let second = Gateway::try_start(&home, &["--listen", &format!("127.0.0.1:{port}")]).unwrap_err();
    assert!(
        second.contains("address-unavailable") && second.contains("openclaw gateway --status"),
        "{second}"
    );
    home.run(["gateway", "token", "revoke", "owner"]).json();
    assert_eq!(home.run(["gateway", "--status"]).error().exit, 3);
}

#[test]
fn the_token_is_not_sent_to_where_everybody_may_ask_nor_in_the_clear() {
    let home = home();
    let gateway = Gateway::start(&home);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = std::thread::spawn(move || {
        let mut heard = Vec::new();
        for stream in listener.incoming().take(3) {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            heard.push(lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect::<Vec<_>>());
            let body = r#"{"status":"healthy","version":"1","agents":0}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).unwrap();
        }
        heard
    });
    home.run(["gateway", "--status", "--listen", &address]).error();
    let heard = heard.join().unwrap();
    let has_token = |head: &Vec<String>| head.iter().any(|line| line.contains(gateway.token()));
    // This test's own socket is the same user's.
    assert_eq!(heard.iter().map(has_token).collect::<Vec<_>>(), [false, false, true], "{heard:?}");
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let home = home();
    let unit = home.plain(["gateway", "--print-unit"]).success();
    assert!(!unit.contains("User=") && !unit.contains("CapabilityBoundingSet="), "{unit}");
    verify(&home, &unit, Some("--user"));
}

#[test]
fn a_unit_for_the_machine_runs_as_a_user_who_is_not_root() {
    let home = home();
    let print = ["gateway", "--print-unit", "--system"];
    let refused = |arguments: &[&str]| home.run(print.iter().chain(arguments)).error();
    assert_eq!(refused(&["--user", "root"]).code, "root-user");
    assert_eq!(refused(&["--user", "no-such-user"]).code, "unknown-user");
    if !rustix::process::geteuid().is_root() {
        assert_eq!(refused(&["--user", "daemon"]).code, "not-root");
        return;
    }
    let error = refused(&[]);
    assert_eq!((error.exit, error.code.as_str()), (3, "root-user"));
    assert!(error.hint.unwrap().contains("--user"));
    assert_eq!(refused(&["--user", "daemon"]).code, "data-dir-unusable", "it is root's");
    let data = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(data.path(), Some(1), Some(1)).unwrap();
    std::fs::write(data.path().join("policy.toml"), "version = 1\n").unwrap();
    std::os::unix::fs::chown(data.path().join("policy.toml"), Some(1), Some(1)).unwrap();
    for (arguments, sudo) in [(&["--user", "daemon"][..], None), (&[], Some("1"))] {
        let mut command = home.command();
        command.args(print).args(arguments).env("OPENCLAW_DATA_DIR", data.path());
        sudo.map(|uid| command.env("SUDO_UID", uid));
        let ran = command.output().unwrap();
        let unit = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(unit.contains("\nUser=1\nGroup=1\n"), "{unit}");
        assert!(unit.contains("\nCapabilityBoundingSet=\n"), "{unit}");
        assert!(unit.contains(&format!("OPENCLAW_DATA_DIR={}", data.path().display())), "{unit}");
        verify(&home, &unit, None);
    }
}

/// Asks systemd what it says of a unit; a machine without it has nobody to ask.
fn verify(home: &Home, unit: &str, whose: Option<&str>) {
    let path = home.path("openclaw-gateway.service");
    std::fs::write(&path, unit).unwrap();
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").args(whose).arg("--man=no").arg(&path);
    let Ok(verified) = verify.env("XDG_RUNTIME_DIR", home.path("home")).output() else { return };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about: Vec<_> = said.lines().filter(|line| line.contains("openclaw-gateway.service")).collect();
    assert!(about.is_empty(), "{said}");
}

#[test]
fn a_unit_is_installed_for_this_user_and_lets_skills_write_what_they_may() {
    let home = home();
    let code = home.path("home").join("code");
    std::fs::create_dir(&code).unwrap();
    home.run(["grant", "allow", "acme/compute", "filesystem:write", code.to_str().unwrap()]).json();
    let installed = home.run(["gateway", "--install"]).json();
    let path = home.path("home").join(".config/systemd/user/openclaw-gateway.service");
    assert_eq!(installed["path"], path.to_str().unwrap());
    assert_eq!(installed["next"][1], "systemctl --user enable --now openclaw-gateway.service");
    let unit = std::fs::read_to_string(path).unwrap();
    assert!(unit.contains(&format!("ReadWritePaths=\"-{}\"", code.display())), "{unit}");
    for needed in ["NoNewPrivileges=yes", "ProtectSystem=strict", "Type=notify", "MemoryMax="] {
        assert!(unit.contains(needed), "{needed}");
    }
    // What would keep programs of skills from being confined, or compiled skills from running.
    for broken in [
        "RestrictNamespaces",
        "MemoryDenyWriteExecute",
        "ProtectKernelTunables",
        "ProtectKernelLogs",
        "ProtectProc",
    ] {
        assert!(!unit.contains(broken), "{broken}");
    }
}

#[test]
fn systemd_is_told_when_calls_are_taken_and_when_it_stops() {
    let home = home();
    let socket = home.path("notify");
    let listener = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let mut command = home.command();
    command.args(["gateway", "--json", "--listen", "127.0.0.1:0"]).env("NOTIFY_SOCKET", &socket);
    let mut child =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let told = || {
        let mut buffer = [0; 256];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(told().contains("READY=1"));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(told().contains("STOPPING=1"));
    assert!(child.wait().unwrap().success());
}

//! The block of the manual, as it is typed.

use std::process::Command;

use openclaw_tests::home::{binary, finish};
use openclaw_tests::registry::{HELLO, hello};
use openclaw_tests::{Home, Ran};
use rustix::process::{Pid, Signal, kill_process};

/// A shell in a home's workspace that finds the command by its name.
fn shell(home: &Home, line: &str, variables: &[(&str, &str)]) -> Command {
    let mut shell = home.environment(Command::new("/bin/sh"));
    let mut paths = vec![binary().parent().unwrap().to_owned()];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    shell.args(["-ec", line]).env("PATH", std::env::join_paths(paths).unwrap());
    shell.envs(variables.iter().copied());
    shell
}

/// The first word of a text that begins so and goes on with the characters that are allowed.
fn word<'a>(text: &'a str, start: &str, length: usize) -> Option<&'a str> {
    let at = text.find(start)?;
    let rest = &text[at + start.len()..];
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
    (end == length).then(|| &text[at..at + start.len() + end])
}

/// A server that was started from a shell, which ends with the test.
struct Background {
    pid: Option<Pid>,
    shell: std::process::Child,
}

impl Background {
    fn start(home: &Home, line: &str) -> Self {
        let file = std::fs::File::create(home.path("background")).unwrap();
        let both = file.try_clone().unwrap();
        let mut command = shell(home, &format!("{line}\necho $! >../pid\nwait"), &[]);
        Self { pid: None, shell: command.stdout(file).stderr(both).spawn().unwrap() }
    }

    /// What it has printed when it has printed a token.
    fn printed(&mut self, home: &Home) -> String {
        for _ in 0..2000 {
            let text = std::fs::read_to_string(home.path("background")).unwrap();
            let pid = std::fs::read_to_string(home.path("pid")).unwrap_or_default();
            self.pid = pid.trim().parse().ok().and_then(Pid::from_raw);
            if word(&text, "oct_", 32).is_some() && self.pid.is_some() {
                return text;
            }
            assert!(self.shell.try_wait().unwrap().is_none(), "the server ended: {text}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the server printed no token");
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.shell.wait();
    }
}

#[test]
fn what_the_manual_shows_works_as_it_is_typed() {
    let home = Home::empty().apart();
    home.run(["key", "new", "acme"]).json();
    std::fs::create_dir(home.workspace().join("dist")).unwrap();
    home.try_pack(&hello("1.0.0"), &home.workspace().join("dist/skill.tar.gz")).json();

    let taken = std::net::TcpListener::bind("127.0.0.1:8085").is_err();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let port = if taken { free.as_str() } else { "8085" };
    let typed = |line: &str| line.replace("8085", port);
    let line = "openclaw registry serve --data ./reg --listen 127.0.0.1:8085 --bootstrap acme &";
    let mut server = Background::start(&home, &typed(line));
    let printed = server.printed(&home);
    let token = word(&printed, "oct_", 32).expect("a token");
    let root = word(&printed, "sha256:", 64).expect("a fingerprint");

    let types = |line: &str| -> Ran {
        let line = typed(line);
        finish(shell(&home, &line, &[("TOKEN", token), ("ROOT", root)]), line, None)
    };
    types(
        r#"openclaw registry login --registry http://127.0.0.1:8085 --token "$TOKEN" --fingerprint "$ROOT""#,
    )
    .success();
    types(r#"openclaw registry publish dist/skill.tar.gz --visibility=public --category="developer-tools""#)
        .success();
    let found = types("openclaw registry search hello --json").json();
    assert_eq!(found["results"][0]["skill"], HELLO, "{found}");
    assert_eq!(found["results"][0]["category"], "developer-tools", "{found}");
    types("openclaw registry install acme/hello@^1 --yes").success();
    home.runs_hello();
    let updated = types("openclaw registry update --dry-run").success();
    assert!(updated.contains("up to date"), "{updated}");
    types("openclaw registry yank acme/hello@1.0.0").success();
    let audited = types("openclaw registry audit").success();
    assert!(audited.contains("yanked"), "{audited}");
    home.runs_hello();
}

//! A client that writes lines by hand, and says what no real client says.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use openclaw_tests::Home;
use serde_json::{Value, json};

/// Longer than any answer may take, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server and the two ends of its pipes.
pub struct Wire {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Wire {
    /// Starts `openclaw mcp` and says nothing yet.
    pub fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command();
        command.arg("mcp").args(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)).ok();
        });
        Self { stdin: child.stdin.take(), child, lines }
    }

    /// The same, and opens a session of the revision before the current one.
    pub fn open(home: &Home) -> Self {
        let mut wire = Self::start(home, &[]);
        wire.say(&initialize());
        assert_eq!(wire.hear()["result"]["protocolVersion"], "2025-11-25");
        wire.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        wire
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn say(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes());
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("not closed");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("the server reads");
    }

    /// The next message, which has to be one.
    pub fn hear(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("an answer");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next answer, notifications aside.
    pub fn answer(&mut self) -> Value {
        loop {
            let message = self.hear();
            if message.get("method").is_none() {
                return message;
            }
        }
    }

    /// Says the last word, and answers with what else came, the exit code and how long it took.
    pub fn close(mut self) -> (Vec<Value>, Option<i32>, Duration) {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> (Vec<Value>, Option<i32>, Duration) {
        let begun = Instant::now();
        let rest = self.lines.iter().map(|line| serde_json::from_str(&line).expect("a message")).collect();
        let code = self.child.wait().expect("it ends").code();
        (rest, code, begun.elapsed())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // One that ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "by hand", "version": "1" },
        },
    })
}

pub fn call(id: u64, tool: &str, arguments: Value) -> Value {
    let params = json!({ "name": format!("acme__{tool}"), "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

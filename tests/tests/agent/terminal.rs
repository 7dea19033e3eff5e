//! A terminal at which a chat is held: what is typed when something was shown.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openclaw_tests::{Home, home};

/// Longer than anything takes to be shown, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// The real command at a terminal of its own, made by `script` of util-linux.
pub struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    shown: Arc<Mutex<String>>,
    /// What was looked at already.
    seen: usize,
}

impl Terminal {
    /// Begins a command line.
    pub fn start(home: &Home, arguments: &str) -> Self {
        let line = format!("exec {} {arguments}", home::binary().display());
        let mut script = home.environment(Command::new("script"));
        script
            .args(["-qefc", &line, "/dev/null"])
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .env("SHELL", "/bin/sh");
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = script.spawn().expect("`script` of util-linux is there");
        let (keys, mut screen) = (child.stdin.take(), child.stdout.take().unwrap());
        let shown = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut piece) {
                bytes.extend_from_slice(&piece[..read]);
                *written.lock().unwrap() = String::from_utf8_lossy(&bytes).replace('\r', "");
            }
        });
        Self { child, keys, shown, seen: 0 }
    }

    /// All that was shown.
    pub fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// Waits until something is shown after what was waited for last.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) {
        let begun = Instant::now();
        loop {
            let shown = self.shown();
            if let Some(at) = shown.get(self.seen..).and_then(|rest| rest.find(words)) {
                self.seen += at + words.len();
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{words:?} is not shown:\n{shown}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types something, as it is.
    pub fn keys(&mut self, keys: &str) {
        let input = self.keys.as_mut().expect("the terminal is there");
        input.write_all(keys.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Types a line once the prompt is there.
    #[track_caller]
    pub fn says(&mut self, line: &str) {
        self.wait_for("> ");
        self.keys(&format!("{line}\r"));
    }

    /// Waits until the command has ended; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.keys = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Asks a server, and tells what it answered in every way that a guest can tell something.

use kit::{Failure, Input, Outcome, json};

use crate::http::{self, Parts};
use crate::openclaw::skill::log;
use crate::wasi::http::types::Fields;

pub fn run(input: &Input) -> Outcome {
    let url = input.text("url")?;
    let (scheme, authority, path) = http::split(url)?;
    let fields = Fields::new();
    for header in input.value("headers").as_array().into_iter().flatten() {
        let (name, value) = (header[0].as_str().unwrap_or(""), header[1].as_str().unwrap_or(""));
        let _ = fields.append(name, value.as_bytes());
    }
    let parts = Parts { method: input.text_or("method", "GET"), scheme, authority, path, body: None };
    let response = http::send(&parts, fields).map_err(|name| http::failure(url, &name))?;
    let answer = http::read(&response);
    // What a caller gives it besides: an owner may have pasted a secret there.
    let told = format!("{answer} {}", input.text_or("also", ""));
    log::write(log::Level::Info, &told);
    log::progress(1, None, &told);
    println!("{told}");
    eprintln!("{told}");
    if input.flag("crash") {
        panic!("{told}");
    }
    if input.flag("fail") {
        return Err(Failure::Failed(told));
    }
    Ok(json!({ "answer": answer, "also": input.value("also"), "told": told }))
}

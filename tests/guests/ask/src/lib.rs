//! Skills that ask the person behind the session: as they should, more than they may, and so as to deceive.

mod available;
mod flood;
mod forge;
mod put;
mod shapeless;
mod stubborn;

use kit::{Failure, Value, json};

use crate::openclaw::skill::ask::{self, Error};

wit_bindgen::generate!({
    inline: "package openclaw-tests:ask;
        world ask {
            import openclaw:skill/log@1.0.0;
            import openclaw:skill/ask@1.0.0;
            export openclaw:skill/tools@1.0.0;
        }",
    path: "../../../wit",
    world: "openclaw-tests:ask/ask",
    generate_all,
});

kit::guest!(available, flood, forge, put, shapeless, stubborn);

/// What comes of a question: an answer or an error, by name. A denial is the failure of the tool.
fn asked(text: &str, choices: &[String]) -> Result<Value, Failure> {
    let error = match ask::question(text, choices) {
        Ok(answer) => return Ok(json!({ "answer": answer })),
        Err(Error::Denied(text)) => return Err(Failure::Denied(text)),
        Err(Error::Nobody) => "nobody".to_owned(),
        Err(Error::Dismissed) => "dismissed".to_owned(),
        Err(Error::TooMany) => "too-many".to_owned(),
        Err(Error::Unavailable(text)) => format!("unavailable: {text}"),
    };
    Ok(json!({ "error": error }))
}

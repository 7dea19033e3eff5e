//! A web of a few pages for tests: what is not in it is denied.

use std::collections::BTreeMap;

use openclaw_skill::Result;
use url::Url;

use crate::http::{self, Answer, Http};

#[derive(Default)]
pub struct Site {
    pages: BTreeMap<String, Answer>,
}

impl Site {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn page(mut self, url: &str, answer: Answer) -> Self {
        self.pages.insert(url.to_owned(), answer);
        self
    }
}

impl Http for Site {
    fn get(&self, url: &Url, most: usize) -> Result<Answer> {
        let mut answer = self.pages.get(url.as_str()).cloned().ok_or_else(|| http::denied(url))?;
        answer.cut = answer.body.len() > most;
        answer.body.truncate(most);
        Ok(answer)
    }
}

pub fn text(body: &str) -> Answer {
    typed("text/plain", body.as_bytes())
}

pub fn html(body: &str) -> Answer {
    typed("text/html; charset=utf-8", body.as_bytes())
}

pub fn typed(content_type: &str, body: &[u8]) -> Answer {
    Answer {
        status: 200,
        content_type: Some(content_type.to_owned()),
        body: body.to_vec(),
        ..Answer::default()
    }
}

pub fn redirect_to(location: &str) -> Answer {
    Answer { status: 302, location: Some(location.to_owned()), ..Answer::default() }
}

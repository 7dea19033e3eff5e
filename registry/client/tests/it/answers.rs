//! What an honest registry answers to each request.

use std::collections::BTreeMap;

use openclaw_package::log::{TilePath, encode_entries};
use openclaw_package::registry::api::{Appended, NewEvents, Publication};
use openclaw_package::registry::{Action, Event, LoggedEvent};
use openclaw_package::{Digest, Envelope, PublisherName, SkillId};

use crate::server::{Answer, Request};
use crate::world::{TOKEN, World, in_days};

impl World {
    /// What an honest registry answers.
    pub fn answer(&mut self, request: &Request) -> Answer {
        let path = request.path.split('?').next().unwrap();
        let query: BTreeMap<&str, &str> = request
            .path
            .split_once('?')
            .map(|(_, query)| query.split('&').filter_map(|pair| pair.split_once('=')).collect())
            .unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let missing = || Answer::error(404, "not-found");
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["root.json"]) => Answer::json(self.roots.last().unwrap().as_str()),
            ("GET", ["root", name]) => {
                let number: usize = name.trim_end_matches(".json").parse().unwrap();
                self.roots.get(number - 1).map_or_else(missing, |root| Answer::json(root.as_str()))
            }
            ("GET", ["checkpoint"]) => {
                Answer::new(200, "text/plain; charset=utf-8", self.checkpoint(self.entries.len()))
            }
            ("GET", ["takedowns.json"]) => Answer::json(self.takedowns_json()),
            ("GET", ["index", publisher, name]) => {
                let skill = format!("{publisher}/{name}").parse().unwrap();
                self.indexes.get(&skill).map_or_else(missing, |index| tagged(request, index))
            }
            ("GET", ["blobs", "sha256", hex]) => {
                let digest = Digest::from_hex(hex).unwrap();
                self.blobs.get(&digest).map_or_else(missing, |blob| ranged(request, blob))
            }
            ("GET", ["tile", ..]) => self.bundle(path.trim_start_matches('/')),
            ("GET", ["api", "v1", "log", "proof", index]) => {
                let index = index.parse().unwrap();
                let known = index < self.entries.len() as u64;
                if known { Answer::new(200, "text/plain", self.log_proof(index)) } else { missing() }
            }
            ("GET", ["api", "v1", "log", "consistency"]) => {
                Answer::json(self.consistency(query["from"].parse().unwrap(), query["to"].parse().unwrap()))
            }
            ("GET", ["api", "v1", "skills", publisher, name, version, "provenance"]) => {
                let skill = format!("{publisher}/{name}").parse().unwrap();
                let provenance = self.provenance(&skill, &version.parse().unwrap());
                provenance
                    .map_or_else(missing, |provenance| Answer::json(serde_json::to_vec(&provenance).unwrap()))
            }
            ("GET", ["api", "v1", "publishers", publisher, "history"]) => {
                let after = query.get("after").map_or(0, |after| after.parse().unwrap());
                self.history(&publisher.parse().unwrap(), after)
                    .map_or_else(missing, |lines| Answer::new(200, "application/x-ndjson", lines))
            }
            ("GET", ["api", "v1", "whoami"]) => whoami(request),
            ("PUT", ["api", "v1", "skills", publisher, name, version]) => {
                self.put(request, &format!("{publisher}/{name}").parse().unwrap(), version)
            }
            ("POST", ["api", "v1", "publishers", publisher, "events"]) => {
                let body: NewEvents = serde_json::from_slice(&request.body).unwrap();
                self.append_all(&publisher.parse().unwrap(), &body.events).unwrap_or_else(refused)
            }
            _ => missing(),
        }
    }

    pub fn history(&self, publisher: &PublisherName, after: usize) -> Option<String> {
        let (_, logged) = self.histories.get(publisher)?;
        let line = |event: &LoggedEvent| serde_json::to_string(event).unwrap() + "\n";
        Some(logged.iter().skip(after).take(1000).map(line).collect())
    }

    fn bundle(&self, path: &str) -> Answer {
        let TilePath::Entries { index, width } = TilePath::parse(path).unwrap() else { panic!("{path}") };
        let start = index as usize * 256;
        let Some(entries) = self.entries.get(start..start + usize::from(width)) else {
            return Answer::error(404, "not-found");
        };
        let bytes = encode_entries(entries.iter().map(Vec::as_slice)).unwrap();
        Answer::new(200, "application/octet-stream", bytes)
    }

    fn append_all(&mut self, publisher: &PublisherName, events: &[String]) -> Result<Answer, String> {
        let before = self.clone();
        let mut log_indices = Vec::new();
        for event in events {
            match self.append(publisher, event) {
                Ok(index) => log_indices.push(index),
                Err(code) => {
                    *self = before;
                    return Err(code);
                }
            }
        }
        let checkpoint = self.checkpoint(self.entries.len());
        Ok(Answer::json(serde_json::to_vec(&Appended { log_indices, checkpoint }).unwrap()))
    }

    fn put(&mut self, request: &Request, skill: &SkillId, version: &str) -> Answer {
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Answer::error(401, "bad-token");
        }
        let parts = multipart(request);
        let publication: Publication = serde_json::from_slice(&parts["publication"]).unwrap();
        if self.indexes.get(skill).is_some_and(|index| index.contains(&format!("\"version\":\"{version}\"")))
        {
            return Answer::error(409, "version-exists");
        }
        let answer = match self.append_all(skill.publisher(), &publication.events) {
            Ok(answer) => answer,
            Err(code) => return refused(code),
        };
        let event = publication.events.last().unwrap();
        let event = Event::read_unverified(&Envelope::parse(event.as_bytes()).unwrap()).unwrap();
        let Action::Release(release) = event.action else { panic!("the last event is the release") };
        let index = self.entries.len() as u64 - 1;
        self.list(skill, &release, index, &parts["archive"], &parts["signature"]);
        answer
    }
}

fn refused(code: String) -> Answer {
    Answer::error(409, &code)
}

fn whoami(request: &Request) -> Answer {
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return Answer::error(401, "bad-token");
    }
    Answer::json(format!(
        r#"{{"publisher":"acme","name":"ci","scopes":["publish-new"],"pattern":"*","expires":"{}"}}"#,
        in_days(30)
    ))
}

fn tagged(request: &Request, text: &str) -> Answer {
    let tag = format!("\"{}\"", Digest::of(text.as_bytes()).hex());
    if request.header("if-none-match") == Some(&tag) {
        return Answer::new(304, "application/x-ndjson", "");
    }
    Answer::new(200, "application/x-ndjson", text).with("etag", &tag)
}

fn ranged(request: &Request, blob: &[u8]) -> Answer {
    let kind = "application/octet-stream";
    let Some(range) = request.header("range") else { return Answer::new(200, kind, blob) };
    let from: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    if from >= blob.len() {
        return Answer::new(416, kind, "");
    }
    let range = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
    Answer::new(206, kind, &blob[from..]).with("content-range", &range)
}

fn multipart(request: &Request) -> BTreeMap<String, Vec<u8>> {
    let boundary = request.header("content-type").unwrap().split("boundary=").nth(1).unwrap();
    let delimiter = format!("--{boundary}").into_bytes();
    let mut parts = BTreeMap::new();
    let body = &request.body;
    let places: Vec<usize> = (0..body.len()).filter(|place| body[*place..].starts_with(&delimiter)).collect();
    for pair in places.windows(2) {
        let part = &body[pair[0] + delimiter.len() + 2..pair[1] - 2];
        let end = part.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(part[..end].to_vec()).unwrap();
        let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap();
        parts.insert(name.to_owned(), part[end + 4..].to_vec());
    }
    parts
}

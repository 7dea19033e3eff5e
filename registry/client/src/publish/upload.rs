//! An archive on its way to the registry.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use futures::{StreamExt as _, pin_mut, stream};
use http::Method;
use openclaw_package::SkillId;
use openclaw_package::registry::api::{Appended, Publication};
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use semver::Version;

use crate::progress::{Progress, Transfer};
use crate::transport::{Http, HttpError, Kind, paths};

/// How much is handed to the connection at once.
const CHUNK: usize = 64 << 10;

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);

/// What is sent.
pub(super) struct Upload<'a> {
    pub(super) skill: &'a SkillId,
    pub(super) version: &'a Version,
    pub(super) publication: Publication,
    pub(super) archive: Bytes,
    pub(super) signature: Bytes,
}

impl Upload<'_> {
    pub(super) async fn send(self, http: &Http, progress: &dyn Progress) -> Result<Appended, HttpError> {
        let name = format!("{} {}", self.skill, self.version);
        let total = self.archive.len() as u64;
        let sent = Arc::new(AtomicU64::new(0));
        let path = paths::version(self.skill, self.version);
        let form = self.form(Arc::clone(&sent))?;
        let request = http.send(Kind::PUBLISHED, Method::PUT, &path, |request| request.multipart(form));
        let transfer = Transfer::begin(progress, &name, 0, Some(total));
        let mut shown = 0;
        let mut show = || {
            let now = sent.load(Ordering::Relaxed);
            transfer.advance(now.saturating_sub(shown));
            shown = now;
        };
        pin_mut!(request);
        loop {
            let tick = tokio::time::sleep(TICK);
            pin_mut!(tick);
            match select(request.as_mut(), tick).await {
                Either::Left((answer, _)) => {
                    show();
                    return answer;
                }
                Either::Right(_) => show(),
            }
        }
    }

    fn form(&self, sent: Arc<AtomicU64>) -> Result<Form, HttpError> {
        let publication =
            serde_json::to_vec(&self.publication).map_err(|error| HttpError::Setup(error.to_string()))?;
        let archive = self.archive.clone();
        let length = archive.len() as u64;
        let places = (0..archive.len()).step_by(CHUNK);
        let chunks = stream::iter(places).map(move |start| {
            let chunk = archive.slice(start..archive.len().min(start + CHUNK));
            sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok::<_, Infallible>(chunk)
        });
        let typed =
            |part: Part, mime: &str| part.mime_str(mime).map_err(|error| HttpError::Setup(error.to_string()));
        let archive = Part::stream_with_length(Body::wrap_stream(chunks), length).file_name("skill.tar.gz");
        let signature = Part::stream(Body::from(self.signature.clone())).file_name("skill.tar.gz.dsse.json");
        // The small parts come first, so that a registry can refuse before it has read the large one.
        Ok(Form::new()
            .part("publication", typed(Part::bytes(publication), "application/json")?)
            .part("signature", typed(signature, "application/json")?)
            .part("archive", typed(archive, "application/gzip")?))
    }
}

//! Skills that keep what they are told, and look for it.

mod forget;
mod keep;
mod search;

use kit::Failure;

use crate::openclaw::skill::memory::Error;

wit_bindgen::generate!({
    inline: "package openclaw-tests:memory;
        world memory {
            import openclaw:skill/log@1.0.0;
            import openclaw:skill/memory@1.0.0;
            export openclaw:skill/tools@1.0.0;
        }",
    path: "../../../wit",
    world: "openclaw-tests:memory/memory",
    generate_all,
});

kit::guest!(forget, keep, search);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(text) => Self::Denied(text),
            Error::QuotaExceeded(quota) => Self::Failed(format!("the quota is {quota}")),
            Error::InvalidKey => Self::Failed("invalid key".to_owned()),
            Error::InvalidQuery => Self::Failed("invalid query".to_owned()),
            Error::Unavailable(text) => Self::Failed(text),
        }
    }
}

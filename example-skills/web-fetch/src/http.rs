//! What the skill needs of HTTP: one GET at a time, and redirects followed by hand.

use openclaw_skill::{Error, Result};
use url::Url;

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// Sends requests; the host behind it decides on each one.
pub trait Http {
    /// Gets a URL, following nothing, and reads at most so many bytes of the body.
    fn get(&self, url: &Url, most: usize) -> Result<Answer>;
}

/// An answer, whatever its status.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub location: Option<String>,
    pub body: Vec<u8>,
    /// True if the body was longer than what was read of it.
    pub cut: bool,
}

/// The error of a request that the owner has not allowed.
pub fn denied(url: &Url) -> Error {
    Error::denied(format!("GET {url} is not allowed to this skill"))
}

/// Gets a URL and follows redirects; returns the last answer and where it came from.
pub fn get(http: &dyn Http, url: &str, most: usize) -> Result<(Url, Answer)> {
    let mut url = parse(url).map_err(Error::invalid_input)?;
    for _ in 0..=REDIRECTS {
        let answer = http.get(&url, most)?;
        let Some(next) = redirect(&url, &answer)? else { return Ok((url, answer)) };
        url = next;
    }
    Err(Error::failed(format!("more than {REDIRECTS} redirects; the last led to {url}")))
}

fn redirect(url: &Url, answer: &Answer) -> Result<Option<Url>> {
    let (301 | 302 | 303 | 307 | 308, Some(location)) = (answer.status, &answer.location) else {
        return Ok(None);
    };
    let next = url.join(location).map_err(|error| error.to_string()).and_then(|next| parse(next.as_str()));
    next.map(Some).map_err(|why| Error::failed(format!("{url} redirects to {location:?}: {why}")))
}

fn parse(text: &str) -> std::result::Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{:?} is not supported, only http and https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL must not hold a user name or a password".to_owned());
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use openclaw_skill::ErrorKind;

    use super::*;
    use crate::testing::{Site, redirect_to, text};

    fn end(site: &Site, url: &str) -> Result<String> {
        get(site, url, 1000).map(|(url, _)| url.to_string())
    }

    #[test]
    fn redirects_are_followed_and_resolved() {
        let site = Site::new()
            .page("http://a.test/1", redirect_to("/2?q=1"))
            .page("http://a.test/2?q=1", redirect_to("//b.test/3#part"))
            .page("http://b.test/3", text("here"));
        assert_eq!(end(&site, "http://a.test/1#top").unwrap(), "http://b.test/3");
    }

    #[test]
    fn five_redirects_are_enough() {
        let mut site = Site::new().page("http://a.test/9", text("here"));
        for step in 0..9 {
            site = site.page(&format!("http://a.test/{step}"), redirect_to(&format!("/{}", step + 1)));
        }
        assert_eq!(end(&site, "http://a.test/4").unwrap(), "http://a.test/9");
        assert_eq!(end(&site, "http://a.test/3").unwrap_err().kind(), ErrorKind::Failed);
    }

    #[test]
    fn a_denied_hop_is_named() {
        let site = Site::new().page("http://a.test/", redirect_to("https://other.test/x"));
        let error = end(&site, "http://a.test/").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.message().contains("https://other.test/x"), "{error}");
    }

    #[test]
    fn a_redirect_to_something_else_than_the_web_fails() {
        for location in ["file:///etc/passwd", "http://user@a.test/", "http://"] {
            let site = Site::new().page("http://a.test/", redirect_to(location));
            assert_eq!(end(&site, "http://a.test/").unwrap_err().kind(), ErrorKind::Failed, "{location}");
        }
    }

    #[test]
    fn a_redirect_that_leads_nowhere_is_an_answer() {
        let site = Site::new().page("http://a.test/", Answer { status: 304, ..redirect_to("/x") });
        assert_eq!(end(&site, "http://a.test/").unwrap(), "http://a.test/");
        let site = Site::new().page("http://a.test/", Answer { location: None, ..redirect_to("") });
        assert_eq!(end(&site, "http://a.test/").unwrap(), "http://a.test/");
    }

    #[test]
    fn urls_of_other_kinds_are_the_callers_fault() {
        for url in ["", "a.test", "ftp://a.test/", "data:,x", "http://u:p@a.test/", "http://"] {
            assert_eq!(end(&Site::new(), url).unwrap_err().kind(), ErrorKind::InvalidInput, "{url}");
        }
    }
}

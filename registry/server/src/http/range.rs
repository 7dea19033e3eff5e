//! Byte ranges of a request (RFC 9110, section 14).

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};

use crate::error::{Refusal, Result};

/// The one range that is asked for; `None` for the whole. Several ranges, or what is none, are answered with the whole.
pub(super) fn read(headers: &HeaderMap, size: u64, etag: &str) -> Result<Option<Range<u64>>> {
    let same = headers.get(IF_RANGE).is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
    let asked = headers.get(RANGE).filter(|_| same).and_then(|value| value.to_str().ok());
    let Some((start, end)) = asked
        .and_then(|value| value.strip_prefix("bytes="))
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let range = match (number(start), number(end)) {
        (Some(start), Some(end)) if start <= end => start..end.saturating_add(1).min(size),
        (Some(start), None) if end.is_empty() => start..size,
        (None, Some(last)) if start.is_empty() => size.saturating_sub(last)..size,
        _ => return Ok(None),
    };
    if range.is_empty() || range.start >= size { Err(Refusal::Range(size).into()) } else { Ok(Some(range)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_has_them() {
        let ask = |range: &str, if_range: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, range.parse().unwrap());
            if let Some(tag) = if_range {
                headers.insert(IF_RANGE, tag.parse().unwrap());
            }
            read(&headers, 10, "\"tag\"")
        };
        assert_eq!(ask("bytes=2-4", None).unwrap(), Some(2..5));
        assert_eq!(ask("bytes=2-", None).unwrap(), Some(2..10));
        assert_eq!(ask("bytes=-3", None).unwrap(), Some(7..10));
        assert_eq!(ask("bytes=0-99", Some("\"tag\"")).unwrap(), Some(0..10));
        for whole in ["bytes=4-2", "bytes=x-2", "bytes=-", "lines=1-2", "bytes=0-1,3-4", "bytes=+1-2"] {
            assert_eq!(ask(whole, None).unwrap(), None, "{whole}");
        }
        assert_eq!(ask("bytes=2-4", Some("\"other\"")).unwrap(), None);
        for outside in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
            assert_eq!(ask(outside, None).unwrap_err().code(), "bad-range", "{outside}");
        }
    }
}

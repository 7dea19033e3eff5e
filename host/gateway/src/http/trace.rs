//! The span of a request: what is known of it without its path or its headers, and the trace that it belongs to.

use http::HeaderMap;
use tracing::Span;
use tracing::field::Empty;

/// What a caller's trace says of a request (W3C Trace Context, level 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TraceParent<'a> {
    trace_id: &'a str,
    parent_id: &'a str,
}

/// The span of a request. What is not known yet is recorded when it is answered; the span of a tool call is its child.
pub(super) fn request_span(method: &'static str, route: &'static str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "request",
        method,
        route,
        status = Empty,
        caller = Empty,
        duration_us = Empty,
        trace_id = Empty,
        parent_id = Empty,
    );
    if let Some(TraceParent { trace_id, parent_id }) = trace_parent(headers) {
        span.record("trace_id", trace_id).record("parent_id", parent_id);
    }
    span
}

/// The one `traceparent` of a request; what is not of its form is as if it were not there.
fn trace_parent(headers: &HeaderMap) -> Option<TraceParent<'_>> {
    let mut values = headers.get_all("traceparent").iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let text = value.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    // A later version may say more behind it; this one may not, and ff is none.
    let fits = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let fits = fits && is_hex(trace_id, 32) && is_hex(parent_id, 16) && is_hex(flags, 2);
    (fits && !is_zero(trace_id) && !is_zero(parent_id)).then_some(TraceParent { trace_id, parent_id })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(values: &[&str]) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("traceparent", HeaderValue::from_str(value).unwrap());
        }
        trace_parent(&headers).map(|parent| (parent.trace_id.to_owned(), parent.parent_id.to_owned()))
    }

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_context_is_taken_in_as_it_is_specified() {
        let ids = ("0af7651916cd43dd8448eb211c80319c".to_owned(), "b7ad6b7169203331".to_owned());
        assert_eq!(parse(&[GOOD]), Some(ids.clone()));
        assert_eq!(parse(&[&format!("{}-more", GOOD.replace("00-", "01-"))]), Some(ids));
    }

    #[test]
    fn what_is_not_of_its_form_is_not_there() {
        let zeros = |digits: usize| "0".repeat(digits);
        for wrong in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD.replace("00-", "ff-"),
            &format!("{GOOD}-more"),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &zeros(32)),
            &GOOD.replace("b7ad6b7169203331", &zeros(16)),
            &GOOD.replace("-01", "-1"),
            &GOOD.replace('-', "_"),
        ] {
            assert_eq!(parse(&[wrong]), None, "{wrong}");
        }
        assert_eq!(parse(&[GOOD, GOOD]), None, "two are none");
        assert_eq!(parse(&[]), None);
    }
}

//! Which header fields belong to one hop, and so to the host and not to the guest.

use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Whether a field is the host's own: the guest neither sets it nor sees it.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    [CONNECTION, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE].contains(name)
        || matches!(name.as_str(), "keep-alive" | "http2-settings")
        || name.as_str().starts_with("proxy-")
}

/// Makes a guest's fields fit to send: its hop-by-hop fields go, and ours come.
pub(super) fn prepare_request(headers: &mut HeaderMap, host: HeaderValue) {
    remove_reserved(headers);
    headers.insert(HOST, host);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Takes out of a server's fields what was meant for this hop, fields that `Connection` names included.
pub(super) fn prepare_response(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    remove_reserved(headers);
}

fn remove_reserved(headers: &mut HeaderMap) {
    let reserved: Vec<HeaderName> = headers.keys().filter(|name| is_reserved(name)).cloned().collect();
    for name in reserved {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn hop_by_hop_fields_of_a_request_are_replaced() {
        let mut headers = fields(&[
            ("host", "evil.example"),
            ("connection", "upgrade, x-key"),
            ("upgrade", "websocket"),
            ("te", "trailers"),
            ("trailer", "x-t"),
            ("transfer-encoding", "chunked"),
            ("keep-alive", "1"),
            ("proxy-authorization", "x"),
            ("proxy-connection", "x"),
            ("proxy-anything", "x"),
            ("http2-settings", "x"),
            ("accept", "*/*"),
        ]);
        prepare_request(&mut headers, HeaderValue::from_static("api.example"));
        assert_eq!(headers, fields(&[("host", "api.example"), ("connection", "close"), ("accept", "*/*")]));
    }

    #[test]
    fn hop_by_hop_fields_of_a_response_are_removed() {
        let mut headers = fields(&[
            ("connection", "close, x-internal"),
            ("connection", "x-other"),
            ("x-internal", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("transfer-encoding", "chunked"),
            ("trailer", "x-t"),
            ("upgrade", "h2c"),
            ("etag", "e"),
        ]);
        prepare_response(&mut headers);
        assert_eq!(headers, fields(&[("etag", "e")]));
    }

    #[test]
    fn line_breaks_cannot_be_in_a_value_or_a_name() {
        for text in ["a\r\nb: c", "a\nb", "a\rb", "a\0b"] {
            assert!(HeaderValue::from_str(text).is_err(), "{text:?}");
            assert!(HeaderName::from_bytes(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}

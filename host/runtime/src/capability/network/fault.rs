//! What a failure is called when the guest is told of it.

use std::error::Error as StdError;
use std::io;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use wasmtime_wasi_http::Error;

/// A failure of the TLS handshake.
pub(super) fn from_tls(error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: alert.as_str().map(str::to_owned),
        },
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    }
}

/// A failure while a request is sent or a response received.
pub(super) fn from_hyper(error: &hyper::Error) -> Error {
    if let Some(own) = source::<Error>(error) {
        return from_request_body(own);
    }
    if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else if error.is_timeout() {
        Error::HttpResponseTimeout
    } else if error.is_canceled() || error.is_closed() || source::<io::Error>(error).is_some() {
        Error::ConnectionTerminated
    } else {
        Error::HttpProtocolError
    }
}

/// The error with which a request's body ended the exchange; it comes back by reference only.
fn from_request_body(error: &Error) -> Error {
    match error {
        Error::HttpRequestBodySize(size) => Error::HttpRequestBodySize(*size),
        _ => Error::HttpProtocolError,
    }
}

fn source<E: StdError + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The field by which a host tells its worker that a request failed, and how. No server's field of that name gets there.
const FIELD: HeaderName = HeaderName::from_static("openclaw-fault");

/// A failure's name between a host and its worker, and the failure.
type Told = (&'static str, fn() -> Error);

/// What the guest of a worker is told of a request that its host sent: those failures that a guest can act on.
const TOLD: [Told; 13] = [
    ("denied", || Error::HttpRequestDenied),
    ("address", || Error::DestinationIpProhibited),
    ("not-found", || Error::DestinationNotFound),
    ("unreachable", || Error::DestinationUnavailable),
    ("refused", || Error::ConnectionRefused),
    ("connect-timeout", || Error::ConnectionTimeout),
    ("timeout", || Error::HttpResponseTimeout),
    ("certificate", || Error::TlsCertificateError),
    ("tls", || Error::TlsProtocolError),
    ("too-large", || Error::HttpResponseBodySize(None)),
    ("content-coding", || Error::HttpResponseContentCoding(None)),
    ("configuration", || Error::ConfigurationError),
    ("failed", || Error::ConnectionTerminated),
];

/// The answer by which a worker hears of a failure.
pub(super) fn tell<B: Default>(error: &Error) -> Response<B> {
    let label = match error {
        Error::HttpRequestDenied | Error::HttpRequestUriInvalid => "denied",
        Error::DestinationIpProhibited => "address",
        Error::DestinationNotFound | Error::DnsError { .. } | Error::DnsTimeout => "not-found",
        Error::DestinationUnavailable | Error::DestinationIpUnroutable => "unreachable",
        Error::ConnectionRefused => "refused",
        Error::ConnectionTimeout => "connect-timeout",
        Error::HttpResponseTimeout | Error::ConnectionReadTimeout => "timeout",
        Error::TlsCertificateError => "certificate",
        Error::TlsProtocolError | Error::TlsAlertReceived { .. } => "tls",
        Error::HttpResponseBodySize(_) | Error::ConnectionLimitReached => "too-large",
        Error::HttpResponseContentCoding(_) | Error::HttpResponseTransferCoding(_) => "content-coding",
        Error::ConfigurationError => "configuration",
        _ => "failed",
    };
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.headers_mut().insert(FIELD, HeaderValue::from_static(label));
    response
}

/// The failure that an answer of this worker's host tells of, if it does.
pub(super) fn told(headers: &HeaderMap) -> Option<Error> {
    let label = headers.get(FIELD)?;
    let known = TOLD.iter().find(|(known, _)| label == known);
    Some(known.map_or(Error::ConnectionTerminated, |(_, error)| error()))
}

/// Takes out of a server's fields the one that only a host sets.
pub(super) fn strip(headers: &mut HeaderMap) {
    headers.remove(FIELD);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_hears_what_its_host_tells() {
        for (label, error) in TOLD {
            let response = tell::<()>(&error());
            assert_eq!(response.headers()[FIELD], label);
            assert_eq!(told(response.headers()).unwrap().to_string(), error().to_string());
        }
        assert!(told(&HeaderMap::new()).is_none());
    }
}

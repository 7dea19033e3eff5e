//! How a server could read a path that the URL parser leaves encoded.

/// The path as a server reads it that decodes, drops path parameters and merges slashes.
///
/// There is none when servers could disagree about the path's segments: an encoded slash or
/// backslash, or a dot segment that is encoded or carries parameters (`..;x`).
pub(super) fn plain(path: &str) -> Option<String> {
    let decoded = decoded(path.as_bytes());
    let decoded = String::from_utf8_lossy(&decoded);
    if decoded.contains('\\') || slashes(&decoded) != slashes(path) {
        return None;
    }
    let mut plain = String::with_capacity(decoded.len());
    for segment in decoded.split('/') {
        match segment.split(';').next().unwrap_or(segment) {
            "" => {}
            "." | ".." => return None,
            name => {
                plain.push('/');
                plain.push_str(name);
            }
        }
    }
    Some(plain)
}

fn slashes(path: &str) -> usize {
    path.bytes().filter(|byte| *byte == b'/').count()
}

/// Decodes until nothing is left to decode, so that `%2561` is `a` as `%61` is.
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    for byte in text {
        decoded.push(*byte);
        while let [.., b'%', hi, lo] = *decoded.as_slice() {
            let value = digit(hi).zip(digit(lo)).and_then(|(hi, lo)| u8::try_from(hi << 4 | lo).ok());
            let Some(value) = value else { break };
            decoded.truncate(decoded.len().saturating_sub(3));
            decoded.push(value);
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_servers_agree_on_is_read() {
        for (path, read) in [
            ("/", ""),
            ("/a/b/", "/a/b"),
            ("//a///b", "/a/b"),
            ("/%61/%2562", "/a/b"),
            ("/%6%31", "/a"),
            ("/a;v=1/b;w", "/a/b"),
            ("/v1..v2/...", "/v1..v2/..."),
            ("/%zz/%", "/%zz/%"),
            ("/caf%C3%A9", "/café"),
        ] {
            assert_eq!(plain(path).as_deref(), Some(read), "{path}");
        }
    }

    #[test]
    fn what_they_do_not_is_not() {
        for path in [
            "/a/..%2fb",
            "/a/%2e%2e/b",
            "/a/%252e%252e/b",
            "/a/..;x=1/b",
            "/a/.;/b",
            "/a%5cb",
            r"/a\b",
            "/a%2Fb",
            "/a%25252fb",
            "/a/%2%65./b",
        ] {
            assert_eq!(plain(path), None, "{path}");
        }
    }
}

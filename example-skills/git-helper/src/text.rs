//! Splits what git prints.

/// The parts of an output that are ended, or parted, by a character; none of an empty one.
pub fn parts(output: &[u8], separator: char) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let text = text.strip_suffix(separator).unwrap_or(&text);
    if text.is_empty() { Vec::new() } else { text.split(separator).map(str::to_owned).collect() }
}

//! Reads what is written in several ways by those who speak one format.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A number of tokens: zero where it is missing, null or no number.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    // A cast of a float ends at what fits.
    Ok(value.as_u64().or_else(|| value.as_f64().map(|number| number as u64)).unwrap_or_default())
}

/// The default, where it is null.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Text: a string, or an array of parts, of which those of text count.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Array(parts) => parts.iter().filter_map(part).collect(),
        _ => String::new(),
    })
}

/// The text of a part; reasoning has another field.
fn part(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text")?.as_str())
}

/// Arguments: a string as it is written, or an object, which is written out.
pub(super) fn arguments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}

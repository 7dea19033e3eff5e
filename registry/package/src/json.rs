//! JSON that means one thing only: no duplicate keys, bounded depth, nothing after the value.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may nest.
pub(crate) const MAX_DEPTH: usize = 64;

/// Why a document was refused: the fact, with line and column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    message: String,
}

/// Reads one JSON document.
///
/// # Errors
///
/// Bytes that are not one JSON value (RFC 8259), a key that stands twice in one object, or nesting deeper than
/// [`MAX_DEPTH`].
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let describe = |error: serde_json::Error| JsonError { message: error.to_string() };
    let value = Strict { depth: MAX_DEPTH }.deserialize(&mut deserializer).map_err(describe)?;
    deserializer.end().map_err(describe)?;
    Ok(value)
}

/// Reads a form from a document. An array in place of an object is refused, though serde would take the fields from it
/// in their order: who reads with something else would not.
pub(crate) fn read<T: Serialize + DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    let read = T::deserialize(value)?;
    if is_alike(value, &serde_json::to_value(&read)?) {
        Ok(read)
    } else {
        Err(serde_json::Error::custom("an array stands in place of an object"))
    }
}

/// Whether objects stand where objects are written.
fn is_alike(found: &Value, written: &Value) -> bool {
    match (found, written) {
        (Value::Object(found), Value::Object(written)) => {
            written.iter().all(|(key, value)| found.get(key).is_none_or(|found| is_alike(found, value)))
        }
        (Value::Array(found), Value::Array(written)) => {
            found.iter().zip(written).all(|(found, written)| is_alike(found, written))
        }
        (Value::Array(_), Value::Object(_)) => false,
        _ => true,
    }
}

/// A document with its keys sorted, indented, with a line feed at the end.
pub(crate) fn to_canonical(value: &Value) -> Result<Vec<u8>, JsonError> {
    let mut bytes = serde_json::to_vec_pretty(&Sorted(value))
        .map_err(|error| JsonError { message: error.to_string() })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A value that is written with its keys in byte order, whatever the order of the map in memory.
struct Sorted<'a>(&'a Value);

impl serde::Serialize for Sorted<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let mut entries: Vec<(&String, Sorted<'_>)> =
                    map.iter().map(|(key, value)| (key, Sorted(value))).collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                serializer.collect_map(entries)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

/// Reads one value and counts how deep it may still nest.
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        depth.map(|depth| Self { depth }).ok_or_else(|| E::custom(format!("nested deeper than {MAX_DEPTH}")))
    }
}

impl JsonError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid-json"
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("write one JSON value, each key once".to_owned())
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner()?)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key {:?}", crate::text::quoted(&key))));
            }
            let value = entries.next_value_seed(self.inner()?)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

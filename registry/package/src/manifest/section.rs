//! A table of the manifest, read key by key, so that every refusal knows its place.

use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Issue, ManifestErrorKind};
use crate::bytesize::ByteSize;
use crate::text::{nearest, quoted};

/// A table, the name it has in messages, and its place.
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    name: String,
    span: Range<usize>,
}

impl<'a> Section<'a> {
    /// The whole document.
    pub(super) fn top(table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        // The end of a long document is no place to point at.
        Self { table, name: "the manifest".to_owned(), span: span.start..span.start }
    }

    /// A table that stands in a list or beside a name, by the name that it has in messages.
    pub(super) fn inline(name: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            return None;
        };
        Some(Self { table, name: name.to_owned(), span: value.span() })
    }

    /// The keys and values, whatever they are.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Spanned<&'a str>, &'a Spanned<DeValue<'a>>)> {
        self.table.iter().map(|(key, value)| (Spanned::new(key.span(), key.get_ref().as_ref()), value))
    }

    /// The place of the section.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The name of the section in messages.
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// The place of a key.
    pub(super) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.keys().find(|known| known.get_ref() == key).map(Spanned::span)
    }

    /// The first key that is none of the known ones.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<(String, Range<usize>)> {
        let unknown = self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        unknown.map(|key| (quoted(key.get_ref()), key.span())).min_by_key(|(_, span)| span.start)
    }

    /// Refuses every key but the known ones.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Issue> {
        let Some((key, span)) = self.unknown(known) else {
            return Ok(());
        };
        let hint = did_you_mean(&key, known);
        Err(Issue::new(ManifestErrorKind::UnknownKey { key, section: self.name() }, span).hint(hint))
    }

    /// A key's value.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// A key's value that must be there.
    pub(super) fn required(&self, key: &str) -> Result<&'a Spanned<DeValue<'a>>, Issue> {
        self.value(key).ok_or_else(|| {
            let kind = ManifestErrorKind::Missing { key: key.to_owned(), section: self.name() };
            Issue::new(kind, self.span.clone())
        })
    }

    /// A table below this one.
    pub(super) fn section(&self, key: &str) -> Result<Option<Section<'a>>, Issue> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(wrong_type(key, value, "a table"));
        };
        Ok(Some(Section { table, name: format!("[{key}]"), span: self.header_span(key, value) }))
    }

    /// A table below this one that must be there.
    pub(super) fn required_section(&self, key: &str) -> Result<Section<'a>, Issue> {
        self.required(key)?;
        self.section(key)?.ok_or_else(|| Issue::new(ManifestErrorKind::invalid(key, "missing"), 0..0))
    }

    /// A list of tables below this one, `[[name]]`.
    pub(super) fn sections(&self, key: &str) -> Result<Vec<Section<'a>>, Issue> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let expected = "a list of tables, [[…]]";
        let DeValue::Array(entries) = value.get_ref() else {
            return Err(wrong_type(key, value, expected));
        };
        let name = match self.name.strip_prefix('[') {
            Some(name) => format!("[[{}.{key}]]", name.trim_end_matches(']')),
            None => format!("[[{key}]]"),
        };
        let section = |entry: &'a Spanned<DeValue<'a>>| match entry.get_ref() {
            DeValue::Table(table) => Ok(Section { table, name: name.clone(), span: entry.span() }),
            _ => Err(wrong_type(key, entry, expected)),
        };
        entries.iter().map(section).collect()
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Option<Spanned<&'a str>>, Issue> {
        self.value(key).map(|value| text_of(key, value)).transpose()
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, key: &str) -> Result<Spanned<&'a str>, Issue> {
        text_of(key, self.required(key)?)
    }

    /// A text that must be there and mean something.
    pub(super) fn parsed<T>(&self, key: &str) -> Result<T, Issue>
    where
        T: FromStr,
        ManifestErrorKind: From<T::Err>,
    {
        let text = self.required_text(key)?;
        text.get_ref().parse().map_err(|error: T::Err| Issue::new(error, text.span()))
    }

    /// `true` or `false`; false where it does not stand.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Issue> {
        match self.value(key) {
            None => Ok(false),
            Some(value) => value.get_ref().as_bool().ok_or_else(|| wrong_type(key, value, "true or false")),
        }
    }

    /// A whole number above zero.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, Issue> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let DeValue::Integer(integer) = value.get_ref() else {
            return Err(wrong_type(key, value, "a whole number"));
        };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(count) if count > 0 => Ok(Some(count)),
            _ => {
                let kind =
                    ManifestErrorKind::invalid(key, "the number is not from 1 to 18446744073709551615");
                Err(Issue::new(kind, value.span()).hint("write a whole number above zero"))
            }
        }
    }

    /// A size above zero: a text with a unit, or a whole number of bytes.
    pub(super) fn size(&self, key: &str) -> Result<Option<Spanned<ByteSize>>, Issue> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let size = match value.get_ref() {
            DeValue::Integer(_) => self.count(key)?.map_or(ByteSize::default(), ByteSize::new),
            DeValue::String(text) => text
                .parse()
                .map_err(|error: crate::bytesize::ByteSizeError| Issue::new(error, value.span()))?,
            _ => return Err(wrong_type(key, value, "a size such as \"64MiB\"")),
        };
        if size == ByteSize::new(0) {
            let kind = ManifestErrorKind::invalid(key, "the size is zero");
            return Err(Issue::new(kind, value.span()).hint("write a size above zero, or leave it out"));
        }
        Ok(Some(Spanned::new(value.span(), size)))
    }

    /// The place of a table: its key where the table itself has no text of its own.
    fn header_span(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Range<usize> {
        match value.span() {
            span if span.is_empty() => self.key_span(key).unwrap_or(span),
            span => span,
        }
    }
}

/// A hint with the nearest word, or with all of them.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()).first() {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// A value of another type than the key has.
pub(super) fn wrong_type(key: &str, value: &Spanned<DeValue<'_>>, expected: &'static str) -> Issue {
    let found = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Issue::new(ManifestErrorKind::Type { key: key.to_owned(), found, expected }, value.span())
}

/// The text of a value.
pub(super) fn text_of<'a>(key: &str, value: &'a Spanned<DeValue<'a>>) -> Result<Spanned<&'a str>, Issue> {
    let text = value.get_ref().as_str().ok_or_else(|| wrong_type(key, value, "a text in quotes"))?;
    Ok(Spanned::new(value.span(), text))
}

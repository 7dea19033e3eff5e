//! The part of YAML that front matter needs: a mapping of texts, and one mapping of texts inside it.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, Span, StrInput};

use super::{SkillMdError, checked};
use crate::text::quoted;

/// A field's content.
enum Content {
    Text(String),
    Mapping(BTreeMap<String, String>),
}

/// Fields with their lines in the file.
pub(super) struct Fields(BTreeMap<String, (usize, Content)>);

impl Fields {
    /// The first field that is not one of the known, and its line.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<(&str, usize)> {
        self.0
            .iter()
            .filter(|(field, _)| !known.contains(&field.as_str()))
            .map(|(field, (line, _))| (field.as_str(), *line))
            .min_by_key(|(_, line)| *line)
    }

    /// Takes out a text.
    pub(super) fn take(&mut self, field: &str) -> Result<Option<String>, SkillMdError> {
        match self.0.remove(field) {
            None => Ok(None),
            Some((_, Content::Text(text))) => checked(field, text.trim_end().to_owned()).map(Some),
            Some((line, Content::Mapping(_))) => {
                Err(SkillMdError::Unsupported { line, what: "a mapping outside metadata" })
            }
        }
    }

    /// Takes out a mapping; none is an empty one.
    pub(super) fn take_mapping(&mut self, field: &str) -> Result<BTreeMap<String, String>, SkillMdError> {
        match self.0.remove(field) {
            None => Ok(BTreeMap::new()),
            Some((_, Content::Mapping(mapping))) => Ok(mapping),
            Some((_, Content::Text(text))) if text.is_empty() => Ok(BTreeMap::new()),
            Some((line, Content::Text(_))) => {
                Err(SkillMdError::Yaml { line, problem: format!("{field} is not a mapping") })
            }
        }
    }
}

/// Reads the front matter.
pub(super) fn read(front: &str) -> Result<Fields, SkillMdError> {
    let mut reader = Reader { parser: Parser::new_from_str(front) };
    match reader.next()? {
        (Node::MappingStart, _) => {}
        (_, line) => {
            return Err(SkillMdError::Yaml { line, problem: "the front matter is not a mapping".to_owned() });
        }
    }
    let mut fields = BTreeMap::new();
    while let Some((field, line)) = reader.key()? {
        let content = match reader.next()? {
            (Node::Text(text), _) => Content::Text(text),
            (Node::MappingStart, _) => Content::Mapping(reader.mapping()?),
            (Node::MappingEnd | Node::End, line) => return Err(unexpected(line)),
        };
        insert(&mut fields, field, line, (line, content))?;
    }
    match reader.next()? {
        (Node::End, _) => Ok(Fields(fields)),
        (_, line) => Err(unexpected(line)),
    }
}

/// What the accepted part of YAML is made of.
enum Node {
    Text(String),
    MappingStart,
    MappingEnd,
    End,
}

/// Events of the parser, without those that only frame and those that are refused.
struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl Reader<'_> {
    /// The next node and its line in the file.
    fn next(&mut self) -> Result<(Node, usize), SkillMdError> {
        let mut documents = 0;
        loop {
            let Some(event) = self.parser.next_event() else {
                return Ok((Node::End, 1));
            };
            let (event, span) = event.map_err(|error| SkillMdError::Yaml {
                line: error.marker().line() + 1,
                problem: quoted(error.info()),
            })?;
            let line = line_in_file(&span);
            let refuse = |what| Err(SkillMdError::Unsupported { line, what });
            return match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => continue,
                Event::DocumentStart(explicit) => {
                    documents += 1;
                    if explicit || documents > 1 {
                        return refuse("a second document");
                    }
                    continue;
                }
                Event::StreamEnd => Ok((Node::End, line)),
                Event::Alias(_) => refuse("an alias"),
                Event::SequenceStart(..) | Event::SequenceEnd => refuse("a list"),
                Event::Scalar(_, _, anchor, _) | Event::MappingStart(anchor, _) if anchor != 0 => {
                    refuse("an anchor")
                }
                Event::Scalar(_, _, _, Some(_)) | Event::MappingStart(_, Some(_)) => refuse("a tag"),
                Event::Scalar(text, ..) => Ok((Node::Text(text.into_owned()), line)),
                Event::MappingStart(..) => Ok((Node::MappingStart, line)),
                Event::MappingEnd => Ok((Node::MappingEnd, line)),
            };
        }
    }

    /// The next key of the mapping, or `None` at its end.
    fn key(&mut self) -> Result<Option<(String, usize)>, SkillMdError> {
        match self.next()? {
            (Node::Text(key), line) => Ok(Some((key, line))),
            (Node::MappingEnd, _) => Ok(None),
            (Node::MappingStart, line) => Err(SkillMdError::Unsupported { line, what: "a mapping as a key" }),
            (Node::End, line) => Err(unexpected(line)),
        }
    }

    /// The rest of a mapping of texts.
    fn mapping(&mut self) -> Result<BTreeMap<String, String>, SkillMdError> {
        let mut mapping = BTreeMap::new();
        while let Some((key, line)) = self.key()? {
            let (Node::Text(text), _) = self.next()? else {
                return Err(SkillMdError::Unsupported { line, what: "a mapping inside metadata" });
            };
            let key = checked("metadata", key)?;
            let text = checked(&key, text)?;
            insert(&mut mapping, key, line, text)?;
        }
        Ok(mapping)
    }
}

fn insert<T>(
    mapping: &mut BTreeMap<String, T>,
    key: String,
    line: usize,
    value: T,
) -> Result<(), SkillMdError> {
    if mapping.contains_key(&key) {
        return Err(SkillMdError::Duplicate { line, field: quoted(&key) });
    }
    mapping.insert(key, value);
    Ok(())
}

fn unexpected(line: usize) -> SkillMdError {
    SkillMdError::Yaml { line, problem: "the front matter is not one mapping".to_owned() }
}

/// The parser counts from 1 within the front matter, which begins on the second line of the file.
fn line_in_file(span: &Span) -> usize {
    span.start.line() + 1
}

//! What skills bring for models to read, as resources: SKILL.md, references, and assets that are text.
//!
//! A URI is only ever looked up among those that were listed; no part of it becomes a path.

use openclaw_package::digest::Digest;
use openclaw_package::name::SkillId;
use openclaw_runtime::catalog::Entry;
use openclaw_runtime::skill::Authorized;
use rmcp::model::{ErrorData, Resource, ResourceContents, ResourceTemplate};

use crate::service::Service;
use openclaw_agent::text::{quoted, visible};

/// Bytes that a document may have to be offered.
const MAX_BYTES: u64 = 1 << 20;

/// A file of an installed package that may be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    skill: SkillId,
    path: String,
    /// Of its content, so that a change of it is one of the listing.
    digest: Digest,
    pub(crate) resource: Resource,
}

/// The documents of a skill, by URI.
pub(crate) fn documents<'a>(
    skill: &'a SkillId,
    authorized: &'a Authorized,
) -> impl Iterator<Item = (String, Document)> + 'a {
    authorized.documents().filter(|file| file.size <= MAX_BYTES).filter_map(move |file| {
        let path = file.path.as_str();
        let mime = mime_type(path)?;
        let uri = uri(skill, path);
        let mut resource = Resource::new(uri.clone(), path)
            .with_title(format!("{skill} {path}"))
            .with_mime_type(mime)
            .with_size(file.size);
        if path == "SKILL.md" {
            resource = resource.with_description(visible(authorized.description()).into_owned());
        }
        Some((uri, Document { skill: skill.clone(), path: path.to_owned(), digest: file.sha256, resource }))
    })
}

/// How the URIs are made, for clients that make their own.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let template = |path: &str, name: &str, words: &str| {
        ResourceTemplate::new(format!("skill://{{publisher}}/{{skill}}/{path}"), name).with_description(words)
    };
    vec![
        template("SKILL.md", "skill", "What an installed skill is for and how its tools are used")
            .with_mime_type("text/markdown"),
        template("references/{+path}", "reference", "What a skill's SKILL.md refers to"),
        template("assets/{+path}", "asset", "A text that a skill works with"),
    ]
}

/// Reads a document, as it was signed.
///
/// # Errors
/// It is gone since it was listed, was changed on the disk, or is no text.
pub(crate) fn read(service: &Service, document: &Document) -> Result<ResourceContents, ErrorData> {
    let Document { skill, path, resource, .. } = document;
    let catalog = service.runtime().dispatcher().catalog();
    let Some(Entry::Loaded(authorized)) = catalog.get(skill) else { return Err(not_found(&resource.uri)) };
    let bytes = match authorized.read_document(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(not_found(&resource.uri)),
        Err(error) => {
            tracing::error!(%skill, path, "a document cannot be read: {error}");
            let words = "the file is not what its publisher signed; the skill has to be installed again";
            return Err(ErrorData::internal_error(words, None));
        }
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| ErrorData::internal_error("the file is no text (UTF-8)", None))?;
    let contents = ResourceContents::text(visible(&text.replace("\r\n", "\n")), resource.uri.clone());
    Ok(match &resource.mime_type {
        Some(mime) => contents.with_mime_type(mime.clone()),
        None => contents,
    })
}

/// No such resource, to this caller.
pub(crate) fn not_found(uri: &str) -> ErrorData {
    ErrorData::resource_not_found(format!("no resource {}: see resources/list", quoted(uri)), None)
}

/// The URI of a file. Paths in packages are printable ASCII; what a URI's path has no room for is escaped (RFC 3986).
fn uri(skill: &SkillId, path: &str) -> String {
    let mut uri = format!("skill://{skill}/");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=@/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// The media type of a file that is text by its name; none for any other.
fn mime_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "md" | "markdown" => "text/markdown",
        "txt" | "text" | "rst" | "adoc" | "log" => "text/plain",
        "json" => "application/json",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "html" | "htm" => "text/html",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "css" => "text/css",
        "js" | "mjs" => "text/javascript",
        "rs" | "py" | "ts" | "sh" | "sql" | "go" | "c" | "h" | "java" | "rb" | "tmpl" | "j2" | "hbs"
        | "ini" | "cfg" | "conf" => "text/plain",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_file_and_nothing_else_does() {
        let skill = "acme/hello".parse().unwrap();
        assert_eq!(uri(&skill, "SKILL.md"), "skill://acme/hello/SKILL.md");
        assert_eq!(uri(&skill, "references/a b%20#c.md"), "skill://acme/hello/references/a%20b%2520%23c.md");
    }

    #[test]
    fn only_what_is_text_by_its_name_is_offered() {
        assert_eq!(mime_type("SKILL.md"), Some("text/markdown"));
        assert_eq!(mime_type("assets/Table.CSV"), Some("text/csv"));
        for path in ["assets/logo.png", "references/README", "assets/x.wasm"] {
            assert_eq!(mime_type(path), None, "{path}");
        }
    }
}

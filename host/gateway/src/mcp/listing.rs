//! What a caller may see, in the form of the protocol: made once for each snapshot and scope, and not again for a call.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclaw_agent::flat_name;
use openclaw_package::name::ToolId;
use openclaw_runtime::catalog::{Catalog, Entry};
use openclaw_runtime::consent::SecurityLevel;
use openclaw_runtime::skill::Authorized;
use rmcp::model::{ErrorData, JsonObject, Resource, Tool, ToolAnnotations};

use super::resources::{Document, documents};
use super::shape;
use crate::caller::Scope;
use crate::service::{Service, effects};
use openclaw_agent::text::visible;

/// Tools or resources that one page holds.
const PAGE: usize = 250;
/// Bytes of schemas and words after which a page ends.
const PAGE_BYTES: usize = 2 << 20;
/// Scopes whose listing is kept.
const KEPT: usize = 64;

/// What one scope sees of one snapshot.
#[derive(Debug)]
pub(crate) struct Listing {
    /// By name, which is unique.
    tools: BTreeMap<String, Listed>,
    /// By URI, which is unique.
    documents: BTreeMap<String, Document>,
}

#[derive(Debug)]
struct Listed {
    id: ToolId,
    tool: Tool,
    bytes: usize,
}

impl Listing {
    fn make(catalog: &Catalog, scope: &Scope, level: SecurityLevel) -> Self {
        let mut listing = Self { tools: BTreeMap::new(), documents: BTreeMap::new() };
        let mut taken = HashSet::new();
        for (skill, entry) in catalog.iter() {
            let Entry::Loaded(authorized) = entry else { continue };
            for tool in authorized.tools().iter() {
                let id = skill.tool(tool.name.clone());
                if scope.covers(&id) {
                    listing.add(&mut taken, id, tool, authorized, level);
                }
            }
            if scope.reaches(skill) {
                listing.documents.extend(documents(skill, authorized));
            }
        }
        listing
    }

    fn add(
        &mut self,
        taken: &mut HashSet<String>,
        id: ToolId,
        tool: &openclaw_package::tools::Tool,
        skill: &Authorized,
        level: SecurityLevel,
    ) {
        let name = flat_name::flat(&id);
        if taken.insert(name.clone()) {
            let listed = listed(&name, id, tool, skill, level);
            self.tools.insert(name, listed);
        } else {
            // Names that hash alike: none of them may be called for another.
            tracing::error!("several tools come to the name {name}; none of them is offered");
            self.tools.remove(&name);
        }
    }

    /// The tool of a shortened name.
    pub(crate) fn tool(&self, name: &str) -> Option<&ToolId> {
        self.tools.get(name).map(|listed| &listed.id)
    }

    /// A page of tools, and where the next one begins.
    ///
    /// # Errors
    /// The cursor is none of this server's.
    pub(crate) fn tools(&self, cursor: Option<&str>) -> Result<(Vec<Tool>, Option<String>), ErrorData> {
        let (page, next) = page(&self.tools, cursor, |listed| listed.bytes)?;
        Ok((page.into_iter().map(|listed| listed.tool.clone()).collect(), next))
    }

    /// A page of resources, and where the next one begins.
    ///
    /// # Errors
    /// The cursor is none of this server's.
    pub(crate) fn resources(
        &self,
        cursor: Option<&str>,
    ) -> Result<(Vec<Resource>, Option<String>), ErrorData> {
        let (page, next) = page(&self.documents, cursor, |_| 256)?;
        Ok((page.into_iter().map(|document| document.resource.clone()).collect(), next))
    }

    /// The document of a URI, which is compared and never taken apart.
    pub(crate) fn document(&self, uri: &str) -> Option<&Document> {
        self.documents.get(uri)
    }

    /// Whether the tools are the same as in another listing.
    pub(crate) fn has_tools_of(&self, other: &Self) -> bool {
        self.tools.len() == other.tools.len()
            && self.tools.values().zip(other.tools.values()).all(|(one, two)| one.tool == two.tool)
    }

    /// Whether the resources, and what is in them, are the same as in another listing.
    pub(crate) fn has_documents_of(&self, other: &Self) -> bool {
        self.documents == other.documents
    }
}

/// The entries after a cursor, which is the last key of the page before: it stays good when entries come and go.
fn page<'a, T>(
    all: &'a BTreeMap<String, T>,
    cursor: Option<&str>,
    bytes: impl Fn(&T) -> usize,
) -> Result<(Vec<&'a T>, Option<String>), ErrorData> {
    let after = cursor.map(decode_cursor).transpose()?;
    let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
    let mut rest = all.range::<String, _>((from.as_ref(), std::ops::Bound::Unbounded)).peekable();
    let (mut page, mut size, mut last) = (Vec::new(), 0, None);
    while let Some((key, entry)) = rest.next_if(|_| page.len() < PAGE && size < PAGE_BYTES) {
        size += bytes(entry);
        last = Some(key);
        page.push(entry);
    }
    let next = if rest.peek().is_some() { last.map(|key| URL_SAFE_NO_PAD.encode(key)) } else { None };
    Ok((page, next))
}

fn decode_cursor(cursor: &str) -> Result<String, ErrorData> {
    URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        ErrorData::invalid_params("the cursor is none of this server's: list from the start", None)
    })
}

fn listed(
    name: &str,
    id: ToolId,
    tool: &openclaw_package::tools::Tool,
    skill: &Authorized,
    level: SecurityLevel,
) -> Listed {
    // Package and policy were checked: an input schema is an object.
    let input: JsonObject = tool.input_schema.as_object().cloned().unwrap_or_default();
    let mut shown = Tool::new(name.to_owned(), visible(&tool.description).into_owned(), Arc::new(input))
        .with_title(id.to_string())
        .with_annotations(annotations(skill, level));
    if let Some(schema) = shape::output_schema(tool) {
        shown = shown.with_raw_output_schema(schema);
    }
    let bytes = serde_json::to_vec(&shown).map_or(0, |json| json.len());
    Listed { id, tool: shown, bytes }
}

/// What follows from what the skill holds; of what does not follow, nothing is said, and the protocol's defaults, which
/// are the careful ones, hold.
fn annotations(skill: &Authorized, level: SecurityLevel) -> ToolAnnotations {
    let effects = effects(skill, level);
    let hints = ToolAnnotations::new().read_only(!effects.writes).open_world(effects.reaches);
    if effects.writes { hints } else { hints.destructive(false).idempotent(true) }
}

/// The listings of the current snapshot.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    kept: Mutex<Kept>,
    /// Held while one is made, so that it is made once.
    making: Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    snapshot: Option<(Arc<Catalog>, SecurityLevel)>,
    listings: Vec<(Scope, Arc<Listing>)>,
}

impl Listings {
    /// The listing of a scope, if it was made of the current snapshot.
    pub(crate) fn made(&self, service: &Service, scope: &Scope) -> Option<Arc<Listing>> {
        self.of(&service.runtime().dispatcher().catalog(), service.security_level(), scope)
    }

    /// The listing of a scope. The first one of a snapshot verifies every installed skill: not on a thread that has
    /// something else to do.
    pub(crate) fn make(&self, service: &Service, scope: &Scope) -> Arc<Listing> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let (catalog, level) = (service.runtime().dispatcher().catalog(), service.security_level());
        if let Some(listing) = self.of(&catalog, level, scope) {
            return listing;
        }
        let listing = Arc::new(Listing::make(&catalog, scope, level));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.is_of(&catalog, level) {
            *kept = Kept { snapshot: Some((catalog, level)), listings: Vec::new() };
        }
        if kept.listings.len() >= KEPT {
            kept.listings.remove(0);
        }
        kept.listings.push((scope.clone(), Arc::clone(&listing)));
        listing
    }

    fn of(&self, catalog: &Arc<Catalog>, level: SecurityLevel, scope: &Scope) -> Option<Arc<Listing>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.listings.iter().find(|(known, _)| kept.is_of(catalog, level) && known == scope);
        found.map(|(_, listing)| Arc::clone(listing))
    }
}

impl Kept {
    fn is_of(&self, catalog: &Arc<Catalog>, level: SecurityLevel) -> bool {
        self.snapshot.as_ref().is_some_and(|(kept, of)| Arc::ptr_eq(kept, catalog) && *of == level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_entry_once_and_a_cursor_outlives_its_entry() {
        let mut all: BTreeMap<String, usize> = (0..600).map(|n| (format!("{n:04}"), n)).collect();
        let (first, cursor) = page(&all, None, |_| 1).unwrap();
        assert_eq!((first.len(), *first[249]), (250, 249));
        all.remove("0249");
        let (second, cursor) = page(&all, cursor.as_deref(), |_| 1).unwrap();
        assert_eq!((*second[0], second.len()), (250, 250));
        let (third, end) = page(&all, cursor.as_deref(), |_| 1).unwrap();
        assert_eq!((*third[0], third.len(), end), (500, 100, None));
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_and_holds_something() {
        let all: BTreeMap<String, usize> = (0..3).map(|n| (n.to_string(), n)).collect();
        let (page, next) = page(&all, None, |_| PAGE_BYTES).unwrap();
        assert_eq!(page, [&0]);
        assert!(next.is_some());
    }

    #[test]
    fn a_cursor_of_somebody_elses_is_refused() {
        for cursor in ["!", "é", "_w"] {
            let error = page(&BTreeMap::from([("a".to_owned(), 1)]), Some(cursor), |_| 1).unwrap_err();
            assert_eq!(error.code, rmcp::model::ErrorCode::INVALID_PARAMS, "{cursor}");
        }
    }
}

//! Properties of the parsers, over inputs that nobody thought of.

use std::collections::BTreeMap;

use openclaw_package::archive::write;
use openclaw_package::{
    ByteSize, Envelope, Imports, Manifest, PackagePath, SkillId, SkillMd, SkillName, Statement, ToolList,
    Tree, UrlPattern,
};
use proptest::prelude::*;
use url::Url;

use crate::common::{MANIFEST, SKILL_MD, gzip, hello_component, hello_files, read_archive};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() }
}

/// A text with one piece of it replaced by something else.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let pieces = prop_oneof![".{0,8}", "[\\[\\]{}=\"'\n#.&*:|>-]{0,6}", Just(String::new())];
    (0..text.len(), 0..12_usize, pieces).prop_map(move |(start, length, piece)| {
        let end = (start + length).min(text.len());
        format!("{}{piece}{}", &text[..start], &text[end..])
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_name_is_written_as_it_is_read(text in "[a-z0-9-]{0,70}|\\PC{0,10}") {
        if let Ok(name) = text.parse::<SkillName>() {
            prop_assert_eq!(name.to_string(), text.clone());
            prop_assert!(text.len() <= 64 && !text.contains("--"));
        }
        let _ = text.parse::<SkillId>();
    }

    #[test]
    fn a_size_is_written_as_it_is_read(bytes in any::<u64>(), unit in 0..4_u32) {
        let size = ByteSize::new(bytes >> (10 * unit) << (10 * unit));
        prop_assert_eq!(size.to_string().parse::<ByteSize>().unwrap(), size);
    }

    #[test]
    fn a_package_path_stays_inside(text in "[a-zA-Z0-9./ \\\\:~-]{1,30}") {
        if let Ok(path) = text.parse::<PackagePath>() {
            prop_assert_eq!(path.as_str(), &text);
            for segment in text.split('/') {
                prop_assert!(!segment.is_empty() && segment != "." && segment != "..");
            }
            prop_assert!(!text.contains(['\\', ':']) && !text.starts_with('/'));
        }
        let _ = text.parse::<Tree>();
    }

    #[test]
    fn a_pattern_is_a_fixed_point(text in "https?://[a-z0-9.*\\[\\]:-]{0,16}(/[a-z0-9%./;-]{0,16})?") {
        if let Ok(pattern) = text.parse::<UrlPattern>() {
            let written = pattern.to_string();
            prop_assert_eq!(written.parse::<UrlPattern>().unwrap(), pattern.clone());
            prop_assert!(pattern.covers(&pattern));
            if !written.contains('*') {
                prop_assert!(pattern.allows(&Url::parse(&written).unwrap()), "{}", written);
            }
        }
    }

    #[test]
    fn a_pattern_matches_nothing_else(
        text in "(https?://)?[a-z@:.%/\\\\#?;0-9-]{0,12}(api\\.example\\.com)?[a-z@:.%/\\\\#?;0-9-]{0,16}",
    ) {
        let pattern: UrlPattern = "https://api.example.com/repos".parse().unwrap();
        if let Ok(url) = Url::parse(&text) && pattern.allows(&url) {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!(url.host_str(), Some("api.example.com"));
            prop_assert_eq!(url.port_or_known_default(), Some(443));
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(url.path() == "/repos" || url.path().starts_with("/repos/"));
            let path = url.path().to_ascii_lowercase();
            prop_assert!(!["%2e", "%2f", "%5c"].iter().any(|escape| path.contains(escape)));
        }
    }

    #[test]
    fn a_suffix_matches_only_below(host in "[a-z0-9.-]{0,8}\\.?example\\.com[a-z.]{0,4}") {
        let pattern: UrlPattern = "https://*.example.com/".parse().unwrap();
        if let Ok(url) = Url::parse(&format!("https://{host}/")) {
            let found = url.host_str().unwrap().to_owned();
            prop_assert_eq!(pattern.allows(&url), found.ends_with(".example.com") && !found.starts_with('.') && !found.contains(".."));
        }
    }

    #[test]
    fn what_covers_allows_all_that_is_covered(
        outer in "https://(\\*\\.)?(a\\.)?b\\.example(/[xy]){0,2}",
        inner in "https://(\\*\\.)?(a\\.)?b\\.example(/[xy]){0,2}",
        url in "https://(c\\.)?(a\\.)?b\\.example(/[xy]){0,3}(/%2f)?",
    ) {
        let (outer, inner) = (outer.parse::<UrlPattern>().unwrap(), inner.parse::<UrlPattern>().unwrap());
        let url = Url::parse(&url).unwrap();
        if outer.covers(&inner) && inner.allows(&url) {
            prop_assert!(outer.allows(&url));
        }
    }

    #[test]
    fn parsers_of_text_do_not_panic(text in "\\PC{0,200}|[\\x00-\\x7f]{0,200}") {
        let _ = Manifest::parse(&text);
        let _ = SkillMd::parse(&text);
        let _ = SkillMd::parse(&format!("---\n{text}\n---\n"));
        let _ = ToolList::parse(text.as_bytes());
        let _ = Envelope::parse(text.as_bytes());
        let _ = Statement::parse(text.as_bytes());
        let _ = text.parse::<UrlPattern>();
        let _ = format!("https://{text}").parse::<UrlPattern>();
    }

    #[test]
    fn a_damaged_manifest_is_read_or_told_with_a_place(text in mutated(MANIFEST)) {
        if let Err(error) = Manifest::parse(&text) {
            prop_assert!(error.line() >= 1 && error.line() <= text.matches('\n').count() + 1);
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn damaged_front_matter_is_read_or_refused(text in mutated(SKILL_MD)) {
        let _ = SkillMd::parse(&text);
    }

    #[test]
    fn damaged_components_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = hello_component();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let _ = Imports::read(&bytes);
    }

    #[test]
    fn files_come_out_as_they_went_in(
        files in prop::collection::btree_map("[a-f]{1,3}", prop::collection::vec(any::<u8>(), 0..1500), 1..8),
    ) {
        let files: BTreeMap<PackagePath, Vec<u8>> =
            files.into_iter().map(|(name, content)| (name.parse().unwrap(), content)).collect();
        let mut bytes = Vec::new();
        write(&files, &mut bytes).unwrap();
        prop_assert_eq!(read_archive(&bytes).unwrap(), files);
    }

    #[test]
    fn an_archive_has_one_form(
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
        packed in any::<bool>(),
    ) {
        let mut plain = Vec::new();
        write(&hello_files(), &mut plain).unwrap();
        let mut bytes = if packed { plain } else { unpacked(&plain) };
        let place = place.index(bytes.len());
        bytes[place] = value;
        if !packed {
            bytes = gzip(&bytes);
        }
        if let Ok(files) = read_archive(&bytes) {
            // What is read is what would be written: no bytes of the archive without a meaning.
            let mut again = Vec::new();
            write(&files, &mut again).unwrap();
            prop_assert_eq!(unpacked(&again), unpacked(&bytes));
        }
    }
}

fn unpacked(gzip: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(gzip), &mut bytes).unwrap();
    bytes
}

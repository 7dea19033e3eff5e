//! Which of the skills that match is best.

use std::collections::BTreeMap;

use super::Words;

/// What a word is worth that stands in a field, and one that only begins so.
struct Weight {
    whole: u32,
    start: u32,
}

const NAME: Weight = Weight { whole: 40, start: 20 };
const CATEGORY: Weight = Weight { whole: 12, start: 4 };
const TOOLS: Weight = Weight { whole: 10, start: 4 };
const DESCRIPTION: Weight = Weight { whole: 6, start: 2 };

/// What it is worth that the name has nothing else in it.
const NAME_ONLY: u32 = 40;

/// The ids of skills, best first; of those that are equally good the one that was there first.
pub(super) fn best_first(words: &[String], found: BTreeMap<u64, Words>) -> Vec<u64> {
    let mut ranked: Vec<(u32, u64)> =
        found.into_iter().map(|(id, fields)| (score(words, &fields), id)).collect();
    ranked.sort_by_key(|(score, id)| (std::cmp::Reverse(*score), *id));
    ranked.into_iter().map(|(_, id)| id).collect()
}

fn score(words: &[String], fields: &Words) -> u32 {
    let parts = [
        (&fields.name, NAME),
        (&fields.category, CATEGORY),
        (&fields.tools, TOOLS),
        (&fields.description, DESCRIPTION),
    ];
    let mut score = 0;
    for (text, weight) in parts {
        let lower = text.to_lowercase();
        let parts: Vec<&str> = lower.split(|character: char| !character.is_alphanumeric()).collect();
        score += words.iter().map(|word| worth(word, &parts, &weight)).sum::<u32>();
    }
    // The first part of a name is the publisher's.
    let own = fields.name.split_whitespace().skip(1);
    let only = own.clone().count() > 0 && own.clone().all(|part| words.iter().any(|word| word == part));
    score + if only { NAME_ONLY } else { 0 }
}

/// What one word is worth in the parts of a text: how it stands there best, not how often, so that nothing is gained by repeating it.
fn worth(word: &str, parts: &[&str], weight: &Weight) -> u32 {
    let value = |part: &str| match part.strip_prefix(word) {
        Some("") => weight.whole,
        Some(_) => weight.start,
        None => 0,
    };
    parts.iter().map(|part| value(part)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_weighs_most_and_repeating_gains_nothing() {
        let words = |name: &str, description: &str| Words {
            name: name.to_owned(),
            description: description.to_owned(),
            category: String::new(),
            tools: String::new(),
        };
        let found = BTreeMap::from([
            (1, words("acme other", "git git git git git git git git")),
            (2, words("acme git helper", "")),
            (3, words("acme git", "")),
            (4, words("acme gitlab", "")),
            (5, words("acme other", "git")),
        ]);
        assert_eq!(best_first(&["git".to_owned()], found), [3, 2, 4, 1, 5]);
    }
}

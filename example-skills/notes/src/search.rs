//! Finds words in notes.

/// How much of a line is shown, in characters.
const SHOWN: usize = 200;

/// What is looked for: every word of it, in any case.
pub struct Words(Vec<String>);

impl Words {
    pub fn new(query: &str) -> Self {
        Self(query.to_lowercase().split_whitespace().map(str::to_owned).collect())
    }

    /// How well a note fits: none if a word is missing, more for words in the title.
    pub fn score(&self, title: &str, rest: &str) -> Option<u32> {
        let (title, rest) = (title.to_lowercase(), rest.to_lowercase());
        self.0.iter().try_fold(0, |score, word| match (title.contains(word), rest.contains(word)) {
            (true, _) => Some(score + 2),
            (false, true) => Some(score + 1),
            (false, false) => None,
        })
    }

    /// The first lines that hold one of the words.
    pub fn lines(&self, body: &str, most: usize) -> Vec<String> {
        let hits = body.lines().filter(|line| {
            let line = line.to_lowercase();
            self.0.iter().any(|word| line.contains(word))
        });
        hits.take(most).map(|line| self.shown(line.trim())).collect()
    }

    /// A long line is cut so that the first of the words is in it.
    fn shown(&self, line: &str) -> String {
        if line.chars().count() <= SHOWN {
            return line.to_owned();
        }
        let lower = line.to_lowercase();
        let found = self.0.iter().filter_map(|word| lower.find(word)).min().unwrap_or(0);
        let before = lower.get(..found).map_or(0, |before| before.chars().count());
        let skipped = before.saturating_sub(SHOWN / 4);
        let mut shown: String = line.chars().skip(skipped).take(SHOWN).collect();
        if skipped > 0 {
            shown.insert(0, '…');
        }
        if line.chars().nth(skipped + SHOWN).is_some() {
            shown.push('…');
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_there() {
        let words = Words::new(" Milk  BREAD ");
        assert_eq!(words.score("Bread", "and milk"), Some(3));
        assert_eq!(words.score("bread and milk", ""), Some(4));
        assert_eq!(words.score("bread", "water"), None);
    }

    #[test]
    fn lines_show_where() {
        let words = Words::new("milk");
        assert_eq!(words.lines("bread\n  - Milk\nMILK\nmilk", 2), ["- Milk", "MILK"]);
    }

    #[test]
    fn long_lines_are_cut_around_the_word() {
        let line = format!("{}needle{}", "ä".repeat(500), "b".repeat(500));
        let shown = Words::new("needle").lines(&line, 1).concat();
        assert!(shown.starts_with('…') && shown.contains("needle") && shown.ends_with('…'), "{shown}");
        assert_eq!(shown.chars().count(), SHOWN + 2);
    }
}

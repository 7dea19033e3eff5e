//! Builds readable text out of pieces of a page: blocks, lists, quotes, verbatim lines.

/// Deeper quotes and lists are shown no deeper: a page of a few bytes must not become one of many.
const DEEPEST: usize = 8;

/// Text in the making. Space and line breaks wait until something follows them, so that none
/// stands at an end or twice.
#[derive(Default)]
pub struct Writer {
    out: String,
    chars: usize,
    breaks: usize,
    space: bool,
    /// What every line begins with: quote marks and the indent of lists.
    prefixes: Vec<&'static str>,
    /// What the next line begins with instead, such as a bullet.
    lead: Option<String>,
}

impl Writer {
    /// Ends the block before; 1 begins a new line, 2 leaves an empty one.
    pub fn block(&mut self, breaks: usize) {
        // What follows a bullet at once stays on its line.
        if self.lead.is_none() && !self.out.is_empty() {
            self.breaks = self.breaks.max(breaks);
        }
        self.space = false;
    }

    /// Puts a mark before the next piece; without a piece it is never seen.
    pub fn mark(&mut self, mark: &str) {
        let mut lead = self.lead.take().unwrap_or_else(|| self.prefixes.concat());
        if self.prefixes.len() < DEEPEST {
            lead.push_str(mark);
        }
        self.lead = Some(lead);
    }

    /// Takes a mark back that nothing followed.
    pub fn unmark(&mut self) {
        self.lead = None;
    }

    /// Begins every line with a prefix from here on.
    pub fn indent(&mut self, prefix: &'static str) {
        self.prefixes.push(if self.prefixes.len() < DEEPEST { prefix } else { "" });
    }

    pub fn outdent(&mut self) {
        self.prefixes.pop();
    }

    /// Adds running text, whose white space collapses.
    pub fn text(&mut self, text: &str) {
        let mut words = text.split(|c: char| c.is_ascii_whitespace()).peekable();
        while let Some(word) = words.next() {
            if !word.is_empty() {
                self.piece(&word.replace('\u{a0}', " "));
            }
            self.space |= words.peek().is_some();
        }
    }

    /// Adds text as it is, line breaks included.
    pub fn verbatim(&mut self, text: &str) {
        for (number, line) in text.split('\n').enumerate() {
            self.breaks += usize::from(number > 0);
            if !line.is_empty() {
                self.piece(line);
            }
        }
    }

    /// Adds a piece after the space or the line breaks that wait for it.
    pub fn piece(&mut self, piece: &str) {
        self.flush();
        self.push(piece);
    }

    /// Adds a piece right after the one before.
    pub fn close(&mut self, piece: &str) {
        self.space = false;
        self.piece(piece);
    }

    /// Begins a new line, however many are waiting.
    pub fn line(&mut self) {
        self.breaks = 1;
        self.space = false;
    }

    /// How many characters there are.
    pub fn chars(&self) -> usize {
        self.chars
    }

    /// How many bytes there are, to ask for what came `since`.
    pub fn mark_place(&self) -> usize {
        self.out.len()
    }

    /// What was added since a place, on one line.
    pub fn since(&self, place: usize) -> String {
        let words: Vec<_> = self.out.get(place..).unwrap_or_default().split_whitespace().collect();
        words.join(" ")
    }

    pub fn finish(self) -> String {
        self.out
    }

    fn flush(&mut self) {
        let at_start = self.out.is_empty();
        let begins = at_start || self.breaks > 0 || self.lead.is_some();
        if !at_start {
            let prefix = self.prefixes.concat();
            for _ in 1..self.breaks {
                self.push("\n");
                self.push(prefix.trim_end());
            }
            if begins {
                self.push("\n");
            }
        }
        if begins {
            let lead = self.lead.take().unwrap_or_else(|| self.prefixes.concat());
            self.push(&lead);
        } else if self.space {
            self.push(" ");
        }
        self.breaks = 0;
        self.space = false;
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.chars += text.chars().count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer::default();
        write(&mut writer);
        assert_eq!(writer.chars(), writer.out.chars().count());
        writer.finish()
    }

    #[test]
    fn white_space_collapses_between_pieces() {
        let text = written(|w| {
            w.text("  one\n\t two");
            w.text(" ");
            w.text(" three ");
        });
        assert_eq!(text, "one two three");
    }

    #[test]
    fn blocks_do_not_add_up() {
        let text = written(|w| {
            w.block(2);
            w.text("a");
            w.block(1);
            w.block(2);
            w.text("b");
            w.block(2);
        });
        assert_eq!(text, "a\n\nb");
    }

    #[test]
    fn a_bullet_waits_for_its_text() {
        let text = written(|w| {
            w.mark("- ");
            w.indent("  ");
            w.block(2);
            w.text("a");
            w.block(2);
            w.text("b");
            w.outdent();
            w.block(1);
            w.mark("- ");
            w.unmark();
        });
        assert_eq!(text, "- a\n\n  b");
    }

    #[test]
    fn verbatim_lines_keep_their_space_and_prefix() {
        let text = written(|w| {
            w.indent("> ");
            w.verbatim("a  b\n\n  c\n");
        });
        assert_eq!(text, "> a  b\n>\n>   c");
    }
}

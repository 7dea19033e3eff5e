//! Card numbers: 13 to 19 digits of a known issuer with a right check digit (ISO/IEC 7812), in one piece or in the usual groups.

use super::{Kind, Span};

/// How the digits of a card are grouped where they are. The longest first: the last digits of a card must not stay.
const LAYOUTS: [&[usize]; 7] = [
    &[4, 4, 4, 4, 1],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4],
    &[4, 4, 4, 1],
    &[4, 6, 5],
    &[4, 6, 4],
];

/// A run of digits.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: usize,
    /// One space or dash, and nothing else, stands between it and the one before.
    is_joined: bool,
}

impl Group {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// Adds the card numbers of a text.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < 13 {
        return;
    }
    let groups = groups(bytes);
    let mut first = 0;
    while let Some(rest) = groups.get(first..).filter(|rest| !rest.is_empty()) {
        match card(bytes, rest) {
            Some((count, span)) => {
                spans.push(span);
                first += count;
            }
            None => first += 1,
        }
    }
}

fn groups(bytes: &[u8]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        let Some(skipped) = rest.iter().position(u8::is_ascii_digit) else { break };
        let start = at + skipped;
        let digits = bytes.iter().skip(start).take_while(|byte| byte.is_ascii_digit()).count();
        let is_joined = groups.last().is_some_and(|before| before.end + 1 == start)
            && skipped == 1
            && rest.first().is_some_and(|byte| matches!(byte, b' ' | b'-'));
        groups.push(Group { start, end: start + digits, is_joined });
        at = start + digits;
    }
    groups
}

/// The card that begins with the first group, and of how many groups it is.
fn card(bytes: &[u8], groups: &[Group]) -> Option<(usize, Span)> {
    let fits = |count: usize| {
        let (first, last) = (groups.first()?, groups.get(count - 1)?);
        let digits: Vec<u8> = groups
            .iter()
            .take(count)
            .flat_map(|group| bytes.get(group.start..group.end))
            .flatten()
            .map(|digit| digit - b'0')
            .collect();
        let stands_alone = stands_alone(bytes, first.start, last.end);
        let span = Span { start: first.start, kind: Kind::Card, end: last.end };
        (stands_alone && is_issued(&digits) && is_checked(&digits)).then_some((count, span))
    };
    if (13..=19).contains(&groups.first()?.len())
        && let Some(found) = fits(1)
    {
        return Some(found);
    }
    let has = |layout: &&&[usize]| {
        let taken = groups.get(..layout.len());
        taken.is_some_and(|taken| {
            taken.iter().map(Group::len).eq(layout.iter().copied())
                && taken.iter().skip(1).all(|group| group.is_joined)
        })
    };
    LAYOUTS.iter().filter(has).find_map(|layout| fits(layout.len()))
}

/// Whether it is not a part of a word, of a decimal number or of a telephone number.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    let after = |ahead: usize| bytes.get(end + ahead).copied().unwrap_or(b' ');
    let is_decimal =
        (before(1) == b'.' && before(2).is_ascii_digit()) || (after(0) == b'.' && after(1).is_ascii_digit());
    !before(1).is_ascii_alphanumeric()
        && !after(0).is_ascii_alphanumeric()
        && before(1) != b'+'
        && !is_decimal
}

/// Whether an issuer of cards has numbers that begin so and are so long.
fn is_issued(digits: &[u8]) -> bool {
    let prefix =
        |count: usize| digits.iter().take(count).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    let (one, two, three, four) = (prefix(1), prefix(2), prefix(3), prefix(4));
    match digits.len() {
        16 if matches!(two, 51..=55) || matches!(four, 2221..=2720) || matches!(four, 2200..=2204) => true,
        13 | 16 | 19 if one == 4 => true,
        15 if matches!(two, 34 | 37) => true,
        14..=19 if two == 36 || matches!(two, 38 | 39) || matches!(three, 300..=305) => true,
        16..=19 if four == 6011 || two == 65 || matches!(three, 644..=649) || two == 62 => true,
        16..=19 if matches!(four, 3528..=3589) => true,
        13..=19 => matches!(four, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763),
        _ => false,
    }
}

/// Whether the last digit is the check digit of the others (Luhn).
fn is_checked(digits: &[u8]) -> bool {
    let value = |(index, digit): (usize, &u8)| match digit * 2 {
        double if index % 2 == 1 => u32::from(double / 10 + double % 10),
        _ => u32::from(*digit),
    };
    digits.iter().any(|digit| *digit != 0)
        && digits.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

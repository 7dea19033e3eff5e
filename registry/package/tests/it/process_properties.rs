//! Properties of shapes of arguments, held against a reading of the table that is slow and plain.

use std::path::{Component, Path};

use openclaw_package::{ArgumentPattern, Environment, Shape, Tree, VariableName, VariablePattern};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() }
}

const WORDS: [&str; 32] = [
    "",
    "a",
    "b",
    "-",
    "-x",
    "--",
    "--x=y",
    "a b",
    "<any>",
    "<",
    "#1",
    "0",
    "1",
    "-1",
    "7",
    "01",
    "-0",
    "+1",
    ".",
    "..",
    "a/b",
    "a/../b",
    "/workspace",
    "/workspace/a",
    "/workspace/../x",
    "workspace",
    "workspace/a",
    "/data",
    "/srv/notes/x",
    "é",
    "it's",
    "\"\\$`",
];

const TREES: [&str; 5] = ["$workspace", "$data", "/srv", "/srv/notes", "/srv/my notes"];

const DIRECTORIES: [&str; 9] = [
    "/workspace",
    "/workspace",
    "/workspace/a",
    "/data",
    "/srv/my notes",
    "/srv/notes",
    "/",
    "",
    "/workspace/..",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(&WORDS[..]).prop_map(str::to_owned), 1 => "[a-c0-2/.<>|:'\"\\\\ #$!=-]{0,6}"]
}

fn one() -> impl Strategy<Value = ArgumentPattern> {
    prop_oneof![
        3 => word().prop_map(ArgumentPattern::Literal),
        2 => any::<bool>().prop_map(|dash| ArgumentPattern::Any { dash }),
        2 => prop::collection::btree_set("-?[a-b1-2 .#]{1,2}", 1..4)
            .prop_map(|members| ArgumentPattern::OneOf(members.into_iter().collect())),
        2 => select(&TREES[..]).prop_map(|tree| ArgumentPattern::Path(tree.parse().unwrap())),
        2 => prop_oneof![Just((0, i64::MAX)), (-3..4_i64, 0..4_i64).prop_map(|(min, more)| (min, min + more)), Just((i64::MIN, -1))]
            .prop_map(|(min, max)| ArgumentPattern::Integer { min, max }),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    (prop::collection::vec(one(), 0..5), prop::option::of(any::<bool>())).prop_map(|(mut patterns, rest)| {
        patterns.extend(rest.map(|dash| ArgumentPattern::Rest { dash }));
        Shape::new(patterns).unwrap()
    })
}

/// A shape that is much like another: perhaps narrower in places, perhaps wider.
fn near(shape: &Shape) -> impl Strategy<Value = Shape> + use<> {
    let patterns = shape.patterns().to_vec();
    let changes = prop::collection::vec((0..8_usize, any::<u32>(), one()), patterns.len());
    changes.prop_map(move |changes| {
        let mut near = Vec::new();
        for (pattern, (change, seed, other)) in patterns.iter().zip(&changes) {
            let dash = seed % 2 == 0;
            match (change, pattern) {
                (0, _) => near.push(other.clone()),
                (1, _) => {}
                (2, _) => near.push(ArgumentPattern::Literal(fitting(pattern, *seed))),
                (3 | 4, ArgumentPattern::Any { .. }) => near.push(ArgumentPattern::Any { dash }),
                (3 | 4, ArgumentPattern::Path(_)) => {
                    near.push(ArgumentPattern::Path(TREES[*seed as usize % TREES.len()].parse().unwrap()));
                }
                (3, ArgumentPattern::Rest { .. }) => near.push(ArgumentPattern::Rest { dash }),
                (4, ArgumentPattern::Rest { .. }) => {
                    near.extend([other.clone(), ArgumentPattern::Rest { dash }]);
                }
                (4, ArgumentPattern::Integer { min, max }) => {
                    near.push(ArgumentPattern::Integer { min: (*min).max(-1), max: (*max).max(1) });
                }
                _ => near.push(pattern.clone()),
            }
        }
        let end = near.iter().position(|pattern| matches!(pattern, ArgumentPattern::Rest { .. }));
        near.truncate(end.map_or(near.len(), |end| end + 1));
        Shape::new(near).unwrap()
    })
}

/// An argument that a pattern takes, one of several.
fn fitting(pattern: &ArgumentPattern, seed: u32) -> String {
    let of = |choices: &[&str]| choices[seed as usize % choices.len()].to_owned();
    match pattern {
        ArgumentPattern::Literal(word) => word.clone(),
        ArgumentPattern::Any { dash: false } => of(&["a", "7", "a b", "/workspace/a", "/etc", "x-"]),
        ArgumentPattern::Any { dash: true } => of(&["a", "-", "--x", "-1"]),
        ArgumentPattern::OneOf(members) => members[seed as usize % members.len()].clone(),
        ArgumentPattern::Path(tree) => match seed % 3 {
            0 => tree.guest_path().to_owned(),
            1 => format!("{}/b/c", tree.guest_path()),
            _ => of(&["b", ".", "b/-c"]),
        },
        ArgumentPattern::Integer { min, max } => [min, max][seed as usize % 2].to_string(),
        ArgumentPattern::Rest { dash: false } => of(&["a", "b", "x y"]),
        ArgumentPattern::Rest { dash: true } => of(&["a", "-x", ""]),
    }
}

/// What is done to one argument, or to the list of them, at a place.
fn change(arguments: &mut Vec<String>, kind: usize, place: Index, other: &str) {
    if arguments.is_empty() {
        arguments.push(other.to_owned());
        return;
    }
    let (place, next) = (place.index(arguments.len()), place.index(arguments.len()) + 1);
    match kind {
        0 => arguments[place].insert(0, '-'),
        1 => arguments[place].clear(),
        2 => arguments[place].push_str("/.."),
        3 => arguments[place].push('\0'),
        4 => arguments.insert(place, other.to_owned()),
        5 => drop(arguments.remove(place)),
        6 if next < arguments.len() => arguments.swap(place, next),
        7 => arguments[place].push('/'),
        8 => arguments[place] = other.to_owned(),
        9 => arguments[place].insert_str(0, "../"),
        10 => arguments[place].insert_str(0, "./"),
        11 => arguments[place] = arguments[place].replace('/', "//"),
        12 => arguments[place].insert(0, '0'),
        13 => arguments.push(other.to_owned()),
        14 => drop(arguments.pop()),
        _ => {}
    }
}

/// Arguments that a shape takes, or would but for a change or two.
fn arguments(shape: &Shape) -> impl Strategy<Value = Vec<String>> + use<> {
    let patterns = shape.patterns().to_vec();
    let changes = prop::collection::vec((0..15_usize, any::<Index>(), word()), 0..3);
    (prop::collection::vec(any::<u32>(), 8), 0..4_usize, changes).prop_map(move |(seeds, rest, changes)| {
        let mut arguments = Vec::new();
        for (pattern, seed) in patterns.iter().zip(&seeds) {
            let times = if matches!(pattern, ArgumentPattern::Rest { .. }) { rest } else { 1 };
            arguments.extend((0..times).map(|time| fitting(pattern, seed.wrapping_add(time as u32))));
        }
        for (kind, place, other) in changes {
            change(&mut arguments, kind, place, &other);
        }
        arguments
    })
}

/// Whether words are of a shape, told as a person would who reads both from the left.
fn reads(patterns: &[ArgumentPattern], words: &[String], directory: &str) -> bool {
    match (patterns, words) {
        ([], []) => true,
        ([ArgumentPattern::Rest { dash: true }], words) => words.iter().all(|word| !word.contains('\0')),
        ([ArgumentPattern::Rest { dash: false }], []) => true,
        ([ArgumentPattern::Rest { dash: false }], [word, words @ ..]) => {
            fits(&ArgumentPattern::Any { dash: false }, word, directory) && reads(patterns, words, directory)
        }
        ([pattern, patterns @ ..], [word, words @ ..]) => {
            fits(pattern, word, directory) && reads(patterns, words, directory)
        }
        _ => false,
    }
}

fn fits(pattern: &ArgumentPattern, word: &str, directory: &str) -> bool {
    let first = word.chars().next();
    !word.contains('\0')
        && match pattern {
            ArgumentPattern::Literal(literal) => word == literal,
            ArgumentPattern::Any { dash } => first.is_some() && (*dash || first != Some('-')),
            ArgumentPattern::OneOf(members) => members.contains(&word.to_owned()),
            ArgumentPattern::Path(tree) => place(tree, word, directory).is_some(),
            ArgumentPattern::Integer { min, max } => {
                let digits = word.strip_prefix('-').unwrap_or(word);
                let shortest =
                    digits == "0" && first != Some('-') || !digits.is_empty() && !digits.starts_with('0');
                let number = digits.bytes().fold(0_i128, |sum, digit| sum * 10 + i128::from(digit) - 48);
                let number = if first == Some('-') { -number } else { number };
                digits.len() < 20
                    && digits.chars().all(|c| c.is_ascii_digit())
                    && shortest
                    && (i128::from(*min)..=i128::from(*max)).contains(&number)
            }
            ArgumentPattern::Rest { .. } => false,
        }
}

/// Where a path leads in a tree, told by the parts that the system sees.
fn place(tree: &Tree, word: &str, directory: &str) -> Option<String> {
    let plain = |path: &str| {
        let mut parts = Path::new(path).components();
        let rooted = parts.next() == Some(Component::RootDir);
        let names: Option<Vec<&str>> = parts
            .map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        names.is_some_and(|names| rooted && path == format!("/{}", names.join("/")))
    };
    let within = |path: &str| plain(path) && Path::new(path).starts_with(tree.guest_path());
    let path = match word {
        "" => return None,
        "." if within(directory) => directory.to_owned(),
        _ if word.starts_with('-') => return None,
        _ if word.starts_with('/') => word.to_owned(),
        _ if within(directory) => [directory, word].join("/"),
        _ => return None,
    };
    within(&path).then_some(path)
}

fn shape_and_arguments() -> impl Strategy<Value = (Shape, Vec<String>)> {
    shape().prop_flat_map(|shape| (Just(shape.clone()), arguments(&shape)))
}

fn two_shapes_and_arguments() -> impl Strategy<Value = (Shape, Shape, Vec<String>)> {
    shape()
        .prop_flat_map(|outer| (Just(outer.clone()), near(&outer)))
        .prop_flat_map(|(outer, inner)| (Just(outer), Just(inner.clone()), arguments(&inner)))
}

fn variable() -> impl Strategy<Value = VariablePattern> {
    prop_oneof![
        Just(VariablePattern::Any),
        one().prop_filter_map("a variable's", |pattern| pattern.to_string().parse().ok())
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_shape_is_written_as_it_is_read(shape in shape()) {
        let written = shape.to_string();
        prop_assert_eq!(written.parse::<Shape>().unwrap(), shape.clone(), "{}", written);
        let words: Vec<String> = shape.patterns().iter().map(ToString::to_string).collect();
        prop_assert_eq!(Shape::from_words(&words).unwrap(), shape.clone());
        let stored = serde_json::to_string(&shape).unwrap();
        prop_assert_eq!(serde_json::from_str::<Shape>(&stored).unwrap(), shape);
    }

    #[test]
    fn what_is_read_as_a_shape_is_written_once(text in "(<?[a-z|:.$>0-9-]{0,9}>?|[ '\"\\\\#]){0,6}|\\PC{0,40}") {
        if let Ok(shape) = text.parse::<Shape>() {
            prop_assert_eq!(shape.to_string().parse::<Shape>().unwrap(), shape.clone());
            prop_assert!(shape.covers(&shape));
        }
        if let Ok(pattern) = text.parse::<ArgumentPattern>() {
            prop_assert_eq!(pattern.to_string().parse::<ArgumentPattern>().unwrap(), pattern);
        }
        if let Ok(pattern) = text.parse::<VariablePattern>() {
            prop_assert_eq!(pattern.to_string().parse::<VariablePattern>().unwrap(), pattern);
        }
    }

    #[test]
    fn arguments_are_read_as_a_person_reads_them(
        (shape, arguments) in shape_and_arguments(),
        directory in select(&DIRECTORIES[..]),
    ) {
        let found = shape.matches(&arguments, directory);
        prop_assert_eq!(found.is_some(), reads(shape.patterns(), &arguments, directory), "{} {:?}", shape, arguments);
        if let Some(found) = found {
            let paths: Vec<(usize, String)> = shape
                .patterns()
                .iter()
                .enumerate()
                .filter_map(|(index, pattern)| match pattern {
                    ArgumentPattern::Path(tree) => Some((index, place(tree, &arguments[index], directory).unwrap())),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(found, paths);
        }
    }

    #[test]
    fn a_shape_allows_all_that_it_covers(
        (outer, inner, arguments) in two_shapes_and_arguments(),
        directory in select(&DIRECTORIES[..]),
    ) {
        if outer.covers(&inner) && inner.matches(&arguments, directory).is_some() {
            let found = outer.matches(&arguments, directory);
            prop_assert!(found.is_some(), "{} covers {}, and not {:?}", outer, inner, arguments);
        }
        prop_assert!(outer.covers(&outer) && inner.covers(&inner));
    }

    #[test]
    fn no_option_stands_where_none_is_named(
        (shape, arguments) in shape_and_arguments(),
        directory in select(&DIRECTORIES[..]),
    ) {
        if shape.matches(&arguments, directory).is_some() {
            for (place, argument) in arguments.iter().enumerate().filter(|(_, argument)| argument.starts_with('-')) {
                let last = shape.patterns().last().unwrap();
                let named = match shape.patterns().get(place).unwrap_or(last) {
                    ArgumentPattern::Literal(word) => word == argument,
                    ArgumentPattern::OneOf(members) => members.contains(argument),
                    ArgumentPattern::Integer { min, .. } => *min < 0 && argument.parse::<i64>().unwrap() < 0,
                    ArgumentPattern::Any { dash } | ArgumentPattern::Rest { dash } => *dash,
                    ArgumentPattern::Path(_) => false,
                };
                prop_assert!(named, "{} {:?}", shape, arguments);
            }
        }
    }

    #[test]
    fn a_variable_may_have_all_that_is_covered(outer in variable(), inner in variable(), value in word()) {
        prop_assert!(outer.covers(&outer));
        if outer.covers(&inner) && inner.matches(&value) {
            prop_assert!(outer.matches(&value), "{} {} {:?}", outer, inner, value);
        }
        let whole = |pattern: &VariablePattern| {
            Environment::new([("A".parse::<VariableName>().unwrap(), pattern.clone())]).unwrap()
        };
        prop_assert_eq!(whole(&outer).covers(&whole(&inner)), outer.covers(&inner));
        let stored = serde_json::to_string(&whole(&outer)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Environment>(&stored).unwrap(), whole(&outer));
    }
}

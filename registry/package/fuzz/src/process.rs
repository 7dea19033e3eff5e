//! Programs, shapes of arguments and variables: each word as text, and lines as shapes and as arguments to them.

use openclaw_package::permission::{
    MAX_ARGUMENT_SIZE, MAX_HELPERS, MAX_LITERAL_SIZE, MAX_MEMBERS, MAX_PATTERNS, MAX_SHAPES, MAX_VARIABLES,
};
use openclaw_package::{
    Access, ArgumentPattern, Helper, ProcessRequest, Program, Shape, VariableName, VariablePattern,
};

use super::{hides, told};

/// A word is read as each part of a request, and written as it was read.
pub(super) fn words(line: &str) {
    match line.parse::<Program>() {
        Ok(program) => {
            assert_eq!(program.as_str(), line);
            let name = line.rsplit('/').next().unwrap_or_default();
            assert!(!name.is_empty() && !line.contains("/../") && !line.chars().any(hides), "{line:?}");
            assert!(
                line.starts_with('/') || !line.contains('/') && !line.starts_with(['-', '.']),
                "{line:?}"
            );
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
    match line.parse::<Helper>() {
        Ok(helper) => {
            assert_eq!(helper.to_string(), line);
            assert!(line.starts_with('/') || !line.trim_end_matches('/').contains('/'), "{line:?}");
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
    match line.parse::<ArgumentPattern>() {
        Ok(read) => {
            pattern(&read);
            assert_eq!(read.to_string().parse::<ArgumentPattern>().as_ref(), Ok(&read));
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
    match line.parse::<VariableName>() {
        Ok(name) => {
            assert_eq!(name.as_str(), line);
            assert!(!matches!(line, "PATH" | "HOME" | "IFS" | "ENV") && !line.starts_with("LD_"), "{line}");
            assert!(line.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
    match line.parse::<VariablePattern>() {
        Ok(read) => {
            assert_eq!(read.to_string().parse::<VariablePattern>().as_ref(), Ok(&read));
            assert!(read.covers(&read) && VariablePattern::Any.covers(&read));
        }
        Err(error) => told(&error, error.code(), error.hint()),
    }
}

/// Each line is read as a shape; all lines, split at spaces, are arguments to each of the shapes.
pub(super) fn lines(text: &str) {
    let mut shapes = Vec::new();
    let mut all: Vec<Vec<String>> = Vec::new();
    for line in text.lines().take(8) {
        match line.parse::<Shape>() {
            Ok(read) => {
                shape(&read);
                shapes.push(read);
            }
            Err(error) => told(&error, error.code(), error.hint()),
        }
        all.push(line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect());
    }
    for directory in ["/workspace", "/data/a", "/"] {
        for arguments in &all {
            let taken: Vec<bool> = shapes.iter().map(|shape| matches(shape, arguments, directory)).collect();
            for (outer, mine) in shapes.iter().zip(&taken) {
                for (inner, theirs) in shapes.iter().zip(&taken) {
                    assert!(
                        !theirs || *mine || !outer.covers(inner),
                        "{outer} covers {inner}: {arguments:?}"
                    );
                }
            }
        }
    }
}

/// Whether a shape takes arguments, and that each of them stands where the shape has it.
fn matches(shape: &Shape, arguments: &[String], directory: &str) -> bool {
    let Some(paths) = shape.matches(arguments, directory) else { return false };
    for (place, argument) in arguments.iter().enumerate() {
        let pattern =
            shape.patterns().get(place).or(shape.patterns().last()).expect("arguments need patterns");
        let fits = match pattern {
            ArgumentPattern::Literal(word) => word == argument,
            ArgumentPattern::Any { dash } => !argument.is_empty() && (*dash || !argument.starts_with('-')),
            ArgumentPattern::OneOf(members) => members.contains(argument),
            ArgumentPattern::Path(tree) => paths.iter().any(|(index, path)| {
                let parts = path.split('/').skip(1);
                let plain = parts.clone().all(|part| !matches!(part, "" | "." | ".."));
                *index == place && plain && std::path::Path::new(path).starts_with(tree.guest_path())
            }),
            ArgumentPattern::Integer { min, max } => {
                argument.parse().is_ok_and(|number: i64| min <= &number && &number <= max)
            }
            ArgumentPattern::Rest { dash } => *dash || !argument.is_empty() && !argument.starts_with('-'),
        };
        assert!(
            fits && !argument.contains('\0') && argument.len() <= MAX_ARGUMENT_SIZE,
            "{shape} {arguments:?}"
        );
    }
    true
}

fn shape(shape: &Shape) {
    let written = shape.to_string();
    assert_eq!(written.parse::<Shape>().as_ref(), Ok(shape), "{written}");
    assert!(!written.chars().any(hides), "{written:?}");
    assert!(shape.covers(shape) && shape.patterns().len() <= MAX_PATTERNS);
    shape.patterns().iter().for_each(pattern);
    let rest = shape.patterns().iter().position(|pattern| matches!(pattern, ArgumentPattern::Rest { .. }));
    assert!(rest.is_none_or(|place| place + 1 == shape.patterns().len()), "{written}");
}

/// What no pattern can be.
fn pattern(pattern: &ArgumentPattern) {
    match pattern {
        ArgumentPattern::Literal(word) => assert!(word.len() <= MAX_LITERAL_SIZE && !word.chars().any(hides)),
        ArgumentPattern::OneOf(members) => {
            assert!((1..=MAX_MEMBERS).contains(&members.len()));
            assert!(members.iter().all(|member| !member.is_empty() && !member.chars().any(hides)));
        }
        ArgumentPattern::Integer { min, max } => assert!(min <= max),
        ArgumentPattern::Any { .. } | ArgumentPattern::Path(_) | ArgumentPattern::Rest { .. } => {}
    }
}

/// What no request can be, wherever it was read.
pub(super) fn check(request: &ProcessRequest) {
    assert!((1..=MAX_SHAPES).contains(&request.shapes.len()));
    assert!(request.helpers.len() <= MAX_HELPERS && request.environment.len() <= MAX_VARIABLES);
    request.shapes.iter().for_each(shape);
    for (name, pattern) in request.environment.iter() {
        assert!(!name.is_fixed() || matches!(pattern, VariablePattern::Literal(_)), "{name} {pattern}");
        assert!(!pattern.matches("a\0"));
    }
}

/// Whether one request may cover another, told by what is plain of both.
pub(super) fn may_cover(mine: &ProcessRequest, theirs: &ProcessRequest) -> bool {
    mine.program == theirs.program
        && (mine.access == Access::Write || theirs.access == Access::Read)
        && theirs.helpers.iter().all(|helper| mine.helpers.iter().any(|own| own == helper))
        && theirs.environment.iter().all(|(name, _)| mine.environment.get(name.as_str()).is_some())
}

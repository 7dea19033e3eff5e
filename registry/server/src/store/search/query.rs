//! What somebody looks for, and the same in each database's own query language.

use openclaw_package::{PublisherName, SkillName};
use sqlx::any::AnyArguments;
use sqlx::query::QueryAs;
use sqlx::{Any, FromRow, any::AnyRow};

use crate::store::Dialect;

/// How many words of a query are looked at.
const MAX_WORDS: usize = 8;

/// The longest word that is looked for, in characters.
const MAX_WORD_LEN: usize = 40;

/// From how many letters on the last word may be the start of one.
const MIN_PREFIX_LEN: usize = 2;

/// What somebody looks for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Words, of which the last may be the start of one.
    pub text: String,
    /// Only of this category, a kebab-case label.
    pub category: Option<SkillName>,
    /// Only of this publisher.
    pub publisher: Option<PublisherName>,
    /// Whose private skills may be seen.
    pub viewer: Option<PublisherName>,
    /// How many at most.
    pub limit: u64,
    /// How many are left out before.
    pub offset: u64,
}

impl Query {
    /// The words that are looked for: letters and digits only, so none of them means anything to a database.
    pub(super) fn words(&self) -> Vec<String> {
        let words = self.text.split(|character: char| !character.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty()).take(MAX_WORDS);
        words.map(|word| word.chars().take(MAX_WORD_LEN).collect::<String>().to_lowercase()).collect()
    }

    /// What a skill `s` must be, with `$2` the viewer, `$3` the category and `$4` the publisher.
    pub(super) fn filters(&self) -> String {
        let mut filters = vec!["s.latest IS NOT NULL", "(s.visibility = 'public' OR s.publisher = $2)"];
        if self.category.is_some() {
            filters.push("s.category = $3");
        }
        if self.publisher.is_some() {
            filters.push("s.publisher = $4");
        }
        filters.join(" AND ")
    }

    /// A statement with the expression as `$1` and what the filters need.
    pub(super) fn bind<T>(&self, sql: &str, expression: String) -> QueryAs<'static, Any, T, AnyArguments>
    where
        T: for<'row> FromRow<'row, AnyRow>,
    {
        let publisher =
            |name: &Option<PublisherName>| name.as_ref().map(ToString::to_string).unwrap_or_default();
        sqlx::query_as(sqlx::AssertSqlSafe(sql.to_owned()))
            .bind(expression)
            .bind(publisher(&self.viewer))
            .bind(self.category.as_ref().map(ToString::to_string).unwrap_or_default())
            .bind(publisher(&self.publisher))
    }
}

/// How words are joined.
#[derive(Clone, Copy)]
pub(super) enum Joint {
    And,
    Or,
}

/// Words, and how a skill must have them.
pub(super) struct Expression<'a> {
    pub(super) words: &'a [String],
    pub(super) joint: Joint,
    /// Whether the last word may be the start of one.
    pub(super) prefix: bool,
}

impl Expression<'_> {
    /// The expression as the database reads it, narrowed to what the filters can let through, so that a limit does
    /// not cut that off.
    pub(super) fn write(&self, dialect: Dialect, query: &Query, by_name: bool) -> String {
        let mut terms = vec![self.words(dialect, by_name)];
        let category = query.category.iter().map(|label| ("category", 'B', label.as_str()));
        let publisher = query.publisher.iter().map(|label| ("name", 'A', label.as_str()));
        for (column, weight, label) in category.chain(publisher) {
            for word in label.split('-') {
                terms.push(match dialect {
                    Dialect::Sqlite => format!("({column} : \"{word}\")"),
                    Dialect::Postgres => format!("'{word}':{weight}"),
                });
            }
        }
        terms.join(match dialect {
            Dialect::Sqlite => " AND ",
            Dialect::Postgres => " & ",
        })
    }

    fn words(&self, dialect: Dialect, by_name: bool) -> String {
        let last = self.words.len().saturating_sub(1);
        let term = |(place, word): (usize, &String)| {
            let prefix = self.prefix && place == last && word.chars().count() >= MIN_PREFIX_LEN;
            match (dialect, prefix, by_name) {
                (Dialect::Sqlite, true, _) => format!("\"{word}\" *"),
                (Dialect::Sqlite, false, _) => format!("\"{word}\""),
                (Dialect::Postgres, true, true) => format!("'{word}':*A"),
                (Dialect::Postgres, true, false) => format!("'{word}':*"),
                (Dialect::Postgres, false, true) => format!("'{word}':A"),
                (Dialect::Postgres, false, false) => format!("'{word}'"),
            }
        };
        let joint = match (dialect, self.joint) {
            (Dialect::Sqlite, Joint::And) => " AND ",
            (Dialect::Sqlite, Joint::Or) => " OR ",
            (Dialect::Postgres, Joint::And) => " & ",
            (Dialect::Postgres, Joint::Or) => " | ",
        };
        let terms = self.words.iter().enumerate().map(term).collect::<Vec<_>>().join(joint);
        if dialect == Dialect::Sqlite && by_name {
            format!("{{name}} : ({terms})")
        } else {
            format!("({terms})")
        }
    }
}

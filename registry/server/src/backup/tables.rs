//! The tables of a registry as lines of JSON, which either database can read back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt as _;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use crate::error::{Fault, Result};

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Bytes,
}

use Kind::{Bytes, Number, Text};

/// A table: its name, its columns, and by what its rows are ordered.
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static [(&'static str, Kind)],
    order: &'static str,
}

/// Every table that is backed up, each after those that it refers to. Uploads under way are not.
pub(super) const TABLES: [Table; 12] = [
    Table {
        name: "log",
        columns: &[
            ("id", Number),
            ("origin", Text),
            ("size", Number),
            ("checkpoint", Text),
            ("root_version", Number),
            ("takedown_sequence", Number),
        ],
        order: "id",
    },
    Table { name: "leaves", columns: &[("log_index", Number), ("entry", Bytes)], order: "log_index" },
    Table {
        name: "tiles",
        columns: &[("level", Number), ("tile", Number), ("hashes", Bytes)],
        order: "level, tile",
    },
    Table {
        name: "roots",
        columns: &[("version", Number), ("fingerprint", Text), ("log_index", Number)],
        order: "version",
    },
    Table {
        name: "publishers",
        columns: &[("name", Text), ("collision_key", Text), ("created", Number), ("history", Text)],
        order: "name",
    },
    Table {
        name: "events",
        columns: &[("publisher", Text), ("sequence", Number), ("log_index", Number)],
        order: "log_index",
    },
    Table {
        name: "skills",
        columns: &[
            ("id", Number),
            ("publisher", Text),
            ("name", Text),
            ("collision_key", Text),
            ("visibility", Text),
            ("created", Number),
            ("updated", Number),
            ("latest", Text),
            ("category", Text),
        ],
        order: "id",
    },
    Table { name: "indexes", columns: &[("skill", Number), ("etag", Text), ("body", Text)], order: "skill" },
    Table {
        name: "releases",
        columns: &[
            ("skill", Number),
            ("version", Text),
            ("archive", Text),
            ("archive_size", Number),
            ("signature", Text),
            ("signature_size", Number),
            ("log_index", Number),
            ("published", Number),
            ("category", Text),
            ("yanked", Text),
            ("taken_down", Text),
            ("kinds", Text),
            ("description", Text),
            ("page", Text),
        ],
        order: "log_index",
    },
    Table { name: "takedowns", columns: &[("sequence", Number), ("log_index", Number)], order: "sequence" },
    Table {
        name: "tokens",
        columns: &[
            ("id", Text),
            ("hash", Text),
            ("publisher", Text),
            ("name", Text),
            ("scopes", Text),
            ("pattern", Text),
            ("created", Number),
            ("expires", Number),
            ("revoked", Number),
            ("last_used", Number),
        ],
        order: "id",
    },
    Table {
        name: "search",
        columns: &[
            ("rowid", Number),
            ("name", Text),
            ("description", Text),
            ("category", Text),
            ("tools", Text),
        ],
        order: "rowid",
    },
];

impl Table {
    /// Gives each row as a line of JSON.
    pub(super) async fn dump(
        &self,
        connection: &mut AnyConnection,
        mut line: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let sql = format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), self.name, self.order);
        let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch(connection);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            let mut bytes =
                serde_json::to_vec(&self.read(&row)?).map_err(|error| Fault::Backup(error.to_string()))?;
            bytes.push(b'\n');
            line(&bytes)?;
            count += 1;
        }
        Ok(count)
    }

    fn read(&self, row: &AnyRow) -> Result<Vec<Value>> {
        let value = |(place, (_, kind)): (usize, &(&str, Kind))| {
            Ok(match kind {
                Number => row.try_get::<Option<i64>, _>(place)?.map_or(Value::Null, Value::from),
                Text => row.try_get::<Option<String>, _>(place)?.map_or(Value::Null, Value::from),
                Bytes => Value::from(STANDARD.encode(row.try_get::<Vec<u8>, _>(place)?)),
            })
        };
        self.columns.iter().enumerate().map(value).collect()
    }

    /// Writes a row back from its line.
    pub(super) async fn insert(&self, connection: &mut AnyConnection, line: &[u8]) -> Result<()> {
        let bad = || Fault::Backup(format!("a row of the table {} cannot be read", self.name));
        let values: Vec<Value> = serde_json::from_slice(line).map_err(|_| bad())?;
        if values.len() != self.columns.len() {
            return Err(bad().into());
        }
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", self.name, names.join(", "), places.join(", "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for ((_, kind), value) in self.columns.iter().zip(values) {
            query = match (kind, value) {
                (Number, Value::Null) => query.bind(None::<i64>),
                (Number, Value::Number(number)) => query.bind(number.as_i64().ok_or_else(bad)?),
                (Text, Value::Null) => query.bind(None::<String>),
                (Text, Value::String(text)) => query.bind(text),
                (Bytes, Value::String(text)) => query.bind(STANDARD.decode(text).map_err(|_| bad())?),
                _ => return Err(bad().into()),
            };
        }
        query.execute(connection).await?;
        Ok(())
    }
}

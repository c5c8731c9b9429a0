//! A statement with its parameters, for either database.

use std::marker::PhantomData;

use sqlx::{
    AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite,
    postgres::{PgArguments, PgRow},
    query::{Query as Plain, QueryAs},
    sqlite::{SqliteArguments, SqliteRow},
};

/// What can be read from the rows of either database.
pub(in crate::backend) trait Read:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Read for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// A parameter.
#[derive(Debug)]
pub(in crate::backend) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    /// As the columns have it: 0 or 1.
    fn from(flag: bool) -> Self {
        Self::Number(Some(i64::from(flag)))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

/// A statement with its parameters `$1`, `$2`, and so on.
#[derive(Debug)]
pub(in crate::backend) struct Query {
    sql: SqlStr,
    values: Vec<Value>,
}

/// A statement, whose parameters follow.
pub(in crate::backend) fn query(sql: &'static str) -> Query {
    Query {
        sql: sql.into_sql_str(),
        values: Vec::new(),
    }
}

/// A statement with a list, which is not empty and stands where the statement has `$list`: to both databases it is
/// parameters, one for each. Further ones are [named](Query::named).
pub(in crate::backend) fn one_of<V: Into<Value>>(
    sql: &'static str,
    list: impl IntoIterator<Item = V>,
) -> Query {
    let values: Vec<Value> = list.into_iter().map(Into::into).collect();
    let places: Vec<String> = (1..=values.len())
        .map(|place| format!("${place}"))
        .collect();
    Query {
        // Only places of parameters are put in.
        sql: AssertSqlSafe(sql.replace("$list", &places.join(", "))).into_sql_str(),
        values,
    }
}

impl Query {
    /// The next parameter.
    pub(in crate::backend) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The next parameter, which stands in the statement by a name: after a list nobody knows its place.
    pub(in crate::backend) fn named(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        let place = format!("${}", self.values.len());
        self.sql = AssertSqlSafe(self.sql.as_str().replace(name, &place)).into_sql_str();
        self
    }

    /// As a query whose rows are read.
    pub(super) fn read<T: Read>(self) -> Reading<T> {
        Reading(self, PhantomData)
    }
}

/// A query whose rows are read.
pub(super) struct Reading<T>(Query, PhantomData<T>);

/// Gives each parameter to a query.
macro_rules! bound {
    ($query:expr, $values:expr) => {
        $values
            .into_iter()
            .fold($query, |query, value| match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            })
    };
}

impl Query {
    pub(super) fn sqlite(self) -> Plain<'static, Sqlite, SqliteArguments> {
        bound!(sqlx::query(self.sql), self.values)
    }

    pub(super) fn postgres(self) -> Plain<'static, Postgres, PgArguments> {
        bound!(sqlx::query(self.sql), self.values)
    }
}

impl<T: Read> Reading<T> {
    pub(super) fn sqlite(self) -> QueryAs<'static, Sqlite, T, SqliteArguments> {
        bound!(sqlx::query_as(self.0.sql), self.0.values)
    }

    pub(super) fn postgres(self) -> QueryAs<'static, Postgres, T, PgArguments> {
        bound!(sqlx::query_as(self.0.sql), self.0.values)
    }
}

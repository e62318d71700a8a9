//! Reads as values: a store says what it would read, and whoever needs several answers has them together, in one way
//! to the connection's thread and back. On PostgreSQL they are asked in their order, one by one.

use std::marker::PhantomData;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Either, Executor as _, FromRow};
use uuid::Uuid;

use super::{Batch, DbError, DbResult, Inner, Tx};

/// One or several statements that read, and what is made of their rows.
pub(crate) trait Read: Send {
    type Answer;

    /// Adds the statements.
    fn state(&mut self, asked: &mut Vec<Statement>);

    /// Takes the rows of as many statements as were added.
    fn read(self, answers: &mut Answers) -> DbResult<Self::Answer>;

    /// Goes on with the answer.
    fn then<T, F: FnOnce(Self::Answer) -> DbResult<T> + Send>(self, then: F) -> Then<Self, F>
    where
        Self: Sized,
    {
        Then { first: self, then }
    }
}

/// A statement with its values.
pub(crate) struct Statement {
    sql: &'static str,
    values: Vec<Value>,
}

/// A value that a read is bound to.
pub(crate) enum Value {
    Number(i64),
    Text(String),
    Id(Uuid),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

/// The rows of each statement, in the order in which they were asked for.
pub(crate) struct Answers(std::vec::IntoIter<Vec<EngineRow>>);

enum EngineRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a row of either engine can be read as.
pub(crate) trait Readable: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl<R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>> Readable for R {}

/// All rows of one statement.
pub(crate) fn read_rows<R, T, F, const N: usize>(sql: &'static str, values: [Value; N], read: F) -> Rows<R, F>
where
    R: Readable,
    F: FnOnce(Vec<R>) -> DbResult<T> + Send,
{
    Rows { statement: Some(Statement { sql, values: values.into() }), read, row: PhantomData }
}

/// At most one row of one statement.
pub(crate) fn read_row<R, T, F, const N: usize>(
    sql: &'static str,
    values: [Value; N],
    read: F,
) -> Rows<R, impl FnOnce(Vec<R>) -> DbResult<T> + Send>
where
    R: Readable,
    F: FnOnce(Option<R>) -> DbResult<T> + Send,
{
    read_rows(sql, values, |rows| read(rows.into_iter().next()))
}

pub(crate) struct Rows<R, F> {
    statement: Option<Statement>,
    read: F,
    row: PhantomData<fn() -> R>,
}

impl<R: Readable, T, F: FnOnce(Vec<R>) -> DbResult<T> + Send> Read for Rows<R, F> {
    type Answer = T;

    fn state(&mut self, asked: &mut Vec<Statement>) {
        asked.extend(self.statement.take());
    }

    fn read(self, answers: &mut Answers) -> DbResult<T> {
        let rows = answers.0.next().ok_or(DbError::Corrupt("an answer"))?;
        let rows = rows.iter().map(|row| match row {
            EngineRow::Sqlite(row) => R::from_row(row),
            EngineRow::Postgres(row) => R::from_row(row),
        });
        (self.read)(rows.collect::<Result<_, _>>()?)
    }
}

pub(crate) struct Then<R, F> {
    first: R,
    then: F,
}

impl<R: Read, T, F: FnOnce(R::Answer) -> DbResult<T> + Send> Read for Then<R, F> {
    type Answer = T;

    fn state(&mut self, asked: &mut Vec<Statement>) {
        self.first.state(asked);
    }

    fn read(self, answers: &mut Answers) -> DbResult<T> {
        (self.then)(self.first.read(answers)?)
    }
}

impl<R: Read> Read for Option<R> {
    type Answer = Option<R::Answer>;

    fn state(&mut self, asked: &mut Vec<Statement>) {
        if let Some(read) = self {
            read.state(asked);
        }
    }

    fn read(self, answers: &mut Answers) -> DbResult<Self::Answer> {
        self.map(|read| read.read(answers)).transpose()
    }
}

macro_rules! read_together {
    ($($read:ident)+) => {
        impl<$($read: Read),+> Read for ($($read,)+) {
            type Answer = ($($read::Answer,)+);

            fn state(&mut self, asked: &mut Vec<Statement>) {
                #[expect(non_snake_case, reason = "the reads are named by their types")]
                let ($($read,)+) = self;
                $($read.state(asked);)+
            }

            fn read(self, answers: &mut Answers) -> DbResult<Self::Answer> {
                #[expect(non_snake_case, reason = "the reads are named by their types")]
                let ($($read,)+) = self;
                Ok(($($read.read(answers)?,)+))
            }
        }
    };
}
read_together!(A B);
read_together!(A B C);
read_together!(A B C D);
read_together!(A B C D E);
read_together!(A B C D E F);

impl Tx {
    /// Reads what was asked for. What was to be written later is written before, on the same way.
    pub(crate) async fn ask<R: Read>(&mut self, mut read: R) -> DbResult<R::Answer> {
        let mut asked = Vec::new();
        read.state(&mut asked);
        let answers = match &mut self.inner {
            Inner::Grouped(tx) => {
                let batch = std::mem::take(&mut tx.batch);
                ask_sqlite(tx.connection(), batch, asked).await?
            }
            Inner::Sqlite(tx) => ask_sqlite(tx, Batch::default(), asked).await?,
            Inner::SqliteOnce(connection) => ask_sqlite(connection, Batch::default(), asked).await?,
            Inner::Postgres(tx) => ask_postgres(tx, asked).await?,
            Inner::PostgresOnce(connection) => ask_postgres(connection, asked).await?,
        };
        read.read(&mut Answers(answers.into_iter()))
    }
}

/// Runs what the batch holds, then the reads; answers the rows of the reads.
async fn ask_sqlite(
    connection: &mut SqliteConnection,
    mut batch: Batch,
    asked: Vec<Statement>,
) -> DbResult<Vec<Vec<EngineRow>>> {
    let written = batch.statements;
    for statement in asked {
        batch.add(statement.sql);
        for value in statement.values {
            match value {
                Value::Number(number) => batch.bind(number)?,
                Value::Text(text) => batch.bind(text)?,
                Value::Id(id) => batch.bind(id)?,
            }
        }
    }
    // Put together from statements of this program alone.
    let query = sqlx::query_with(AssertSqlSafe(batch.sql), batch.values);
    let mut steps = connection.fetch_many(query);
    let mut answers = Vec::with_capacity(batch.statements);
    let mut rows = Vec::new();
    while let Some(step) = steps.try_next().await? {
        match step {
            Either::Right(row) => rows.push(EngineRow::Sqlite(row)),
            Either::Left(_) => answers.push(std::mem::take(&mut rows)),
        }
    }
    answers.drain(..written.min(answers.len()));
    Ok(answers)
}

async fn ask_postgres(connection: &mut PgConnection, asked: Vec<Statement>) -> DbResult<Vec<Vec<EngineRow>>> {
    let mut answers = Vec::with_capacity(asked.len());
    for statement in asked {
        let mut values = PgArguments::default();
        for value in statement.values {
            let bound = match value {
                Value::Number(number) => values.add(number),
                Value::Text(text) => values.add(text),
                Value::Id(id) => values.add(id),
            };
            bound.map_err(|_| DbError::Corrupt("a value to be read by"))?;
        }
        let rows = sqlx::query_with(statement.sql, values).fetch_all(&mut *connection).await?;
        answers.push(rows.into_iter().map(EngineRow::Postgres).collect());
    }
    Ok(answers)
}

//! Reads as values: a store says what it would read, and whoever needs several answers has them together, in one way
//! to the connection's thread and back. On PostgreSQL they are asked in their order, one by one.

use std::marker::PhantomData;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult, SqliteRow};
use sqlx::{Either, FromRow};

use super::value::Value;
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
#[derive(Clone)]
pub(crate) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
}

/// The rows of each statement, in the order in which they were asked for.
pub(crate) struct Answers(std::vec::IntoIter<Vec<EngineRow>>);

pub(super) enum EngineRow {
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

/// Several of one kind.
impl<R: Read> Read for Vec<R> {
    type Answer = Vec<R::Answer>;

    fn state(&mut self, asked: &mut Vec<Statement>) {
        for read in self {
            read.state(asked);
        }
    }

    fn read(self, answers: &mut Answers) -> DbResult<Self::Answer> {
        self.into_iter().map(|read| read.read(answers)).collect()
    }
}

/// A read whose answer may be that it does not read, while all that is asked with it counts. It comes last: what is left
/// of its rows is nobody's.
pub(crate) struct Tried<R>(pub R);

impl<R: Read> Read for Tried<R> {
    type Answer = DbResult<R::Answer>;

    fn state(&mut self, asked: &mut Vec<Statement>) {
        self.0.state(asked);
    }

    fn read(self, answers: &mut Answers) -> DbResult<Self::Answer> {
        Ok(self.0.read(answers))
    }
}

/// Nothing, for where something may be read on the way.
impl Read for () {
    type Answer = ();

    fn state(&mut self, _: &mut Vec<Statement>) {}

    fn read(self, _: &mut Answers) -> DbResult<()> {
        Ok(())
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
read_together!(A B C D E F G);
read_together!(A B C D E F G H);

impl Tx {
    /// Reads what was asked for. What was to be written later is written before, on the same way.
    pub(crate) async fn ask<R: Read>(&mut self, mut read: R) -> DbResult<R::Answer> {
        let mut asked = Vec::new();
        read.state(&mut asked);
        if asked.is_empty() {
            return read.read(&mut Answers(Vec::new().into_iter()));
        }
        if let Some(look) = self.looks_ahead() {
            let answers = look.ask(asked).await?;
            return read.read(&mut Answers(answers.into_iter()));
        }
        self.begin_now().await?;
        let answers = match &mut self.inner {
            Inner::Planned(_) => return Err(DbError::Corrupt("a transaction that has not begun")),
            Inner::Grouped(tx) => tx.ask(asked).await?,
            Inner::Sqlite(tx) => ask_sqlite(tx, Batch::default(), asked).await?,
            Inner::SqliteOnce(once) => once.ask(asked).await?,
            Inner::Postgres(tx) => ask_postgres(tx, asked).await?,
            Inner::PostgresOnce(connection) => ask_postgres(connection, asked).await?,
        };
        read.read(&mut Answers(answers.into_iter()))
    }
}

/// Rows as they come from a batch that ends with reads.
pub(super) struct Gathered {
    /// Statements before the reads.
    written: usize,
    answers: Vec<Vec<EngineRow>>,
    rows: Vec<EngineRow>,
}

impl Gathered {
    /// The batch with the reads after what it held, and what takes its rows.
    pub(super) fn of(mut batch: Batch, asked: Vec<Statement>) -> (Batch, Self) {
        let written = batch.statements.len();
        for statement in asked {
            batch.add(statement.sql);
            for value in statement.values {
                batch.bind(value);
            }
        }
        let answers = Vec::with_capacity(batch.statements.len());
        (batch, Self { written, answers, rows: Vec::new() })
    }

    pub(super) fn take(&mut self, step: Either<SqliteQueryResult, SqliteRow>) {
        match step {
            Either::Right(row) => self.rows.push(EngineRow::Sqlite(row)),
            Either::Left(_) => self.answers.push(std::mem::take(&mut self.rows)),
        }
    }

    pub(super) fn of_reads(mut self) -> Vec<Vec<EngineRow>> {
        self.answers.drain(..self.written.min(self.answers.len()));
        self.answers
    }
}

/// Runs what the batch holds, then the reads; answers the rows of the reads.
pub(super) async fn ask_sqlite(
    connection: &mut SqliteConnection,
    batch: Batch,
    asked: Vec<Statement>,
) -> DbResult<Vec<Vec<EngineRow>>> {
    let (batch, mut gathered) = Gathered::of(batch, asked);
    batch.run(connection, |step| gathered.take(step)).await?;
    Ok(gathered.of_reads())
}

async fn ask_postgres(connection: &mut PgConnection, asked: Vec<Statement>) -> DbResult<Vec<Vec<EngineRow>>> {
    #[cfg(test)]
    super::ways::count(asked.len());
    let mut answers = Vec::with_capacity(asked.len());
    for statement in asked {
        let mut values = PgArguments::default();
        for value in statement.values {
            value.bind_to(&mut values)?;
        }
        let rows = sqlx::query_with(statement.sql, values).fetch_all(&mut *connection).await?;
        answers.push(rows.into_iter().map(EngineRow::Postgres).collect());
    }
    Ok(answers)
}

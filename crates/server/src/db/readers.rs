//! Reads on SQLite that stand alone. Those that wait at the same time and ask the same go together, as one look at the
//! database and in one way to a connection's thread: that way costs more than most of what is read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Executor as _, Sqlite};
use tokio::sync::oneshot;

use super::reads::{EngineRow, Statement, ask_sqlite};
use super::{ALIKE_MAX, ANSWERING, Batch, DbError, DbResult};

/// The rows of each statement.
type Answered = Vec<Vec<EngineRow>>;

pub(super) struct Readers {
    /// For transactions.
    pub(super) pool: SqlitePool,
    answering: SqlitePool,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Asked>,
    /// Tasks that answer; each ends when nothing waits.
    answering: u32,
}

struct Asked {
    statements: Vec<Statement>,
    answer: oneshot::Sender<DbResult<Answered>>,
}

impl Asked {
    fn tell(self, answer: DbResult<Answered>) {
        // Who stopped waiting has lost only the answer.
        let _ = self.answer.send(answer);
    }
}

impl Readers {
    pub(super) fn new(pool: SqlitePool, answering: SqlitePool) -> Arc<Self> {
        Arc::new(Self { pool, answering, queue: Mutex::default() })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
        self.answering.close().await;
    }

    pub(super) async fn ask(self: &Arc<Self>, statements: Vec<Statement>) -> DbResult<Answered> {
        // One statement leaves nothing open should its asker stop waiting, so it needs nobody else to answer it.
        if statements.len() == 1
            && let Some(_turn) = self.take_turn()
        {
            let mut connection = self.answering.acquire().await?;
            return look(&mut connection, statements).await;
        }
        let (tell, answer) = oneshot::channel();
        if self.put(Asked { statements, answer: tell }) {
            tokio::spawn(Arc::clone(self).answer_all());
        }
        answer.await.unwrap_or(Err(DbError::Sql(sqlx::Error::PoolClosed)))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Whoever held it did nothing but add, take or count, which cannot leave it half done.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to answer one's own question, where nobody waits and one more may answer.
    fn take_turn(self: &Arc<Self>) -> Option<Turn> {
        let mut queue = self.queue();
        let free = queue.waiting.is_empty() && queue.answering < ANSWERING;
        queue.answering += u32::from(free);
        free.then(|| Turn(Arc::clone(self)))
    }

    /// Whether one more is to answer.
    fn put(&self, asked: Asked) -> bool {
        let mut queue = self.queue();
        queue.waiting.push_back(asked);
        let more = queue.answering < ANSWERING;
        queue.answering += u32::from(more);
        more
    }

    /// The oldest and others that ask the same. How many is a power of two, so that there are few texts of them together,
    /// whose statements stay prepared.
    fn take_alike(&self) -> Vec<Asked> {
        let mut queue = self.queue();
        let Some(first) = queue.waiting.pop_front() else {
            queue.answering -= 1;
            return Vec::new();
        };
        let same = |asked: &Asked| asked.statements.iter().map(|s| s.sql).eq(first.statements.iter().map(|s| s.sql));
        let alike: Vec<usize> =
            (0..queue.waiting.len()).filter(|at| same(&queue.waiting[*at])).take(ALIKE_MAX - 1).collect();
        let count = 1 << (alike.len() + 1).ilog2();
        let mut taken = Vec::with_capacity(count);
        // From the back: what is taken moves nothing that is still to be taken.
        for at in alike.into_iter().take(count - 1).rev() {
            taken.extend(queue.waiting.remove(at));
        }
        taken.push(first);
        taken
    }

    async fn answer_all(self: Arc<Self>) {
        let mut connection = None;
        loop {
            let mut alike = self.take_alike();
            if alike.is_empty() {
                return;
            }
            let connection = match &mut connection {
                Some(connection) => connection,
                none => match self.answering.acquire().await {
                    Ok(acquired) => none.insert(acquired),
                    Err(error) => {
                        // The others of them are told by their answer's end.
                        alike.swap_remove(0).tell(Err(error.into()));
                        continue;
                    }
                },
            };
            answer(connection, alike).await;
        }
    }
}

/// One of those who may answer at the same time. Whoever came to wait meanwhile is answered after it.
struct Turn(Arc<Readers>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        if queue.waiting.is_empty() {
            queue.answering -= 1;
        } else {
            drop(queue);
            tokio::spawn(Arc::clone(&self.0).answer_all());
        }
    }
}

async fn answer(connection: &mut SqliteConnection, alike: Vec<Asked>) {
    let each = alike[0].statements.len();
    let together: Vec<Statement> = alike.iter().flat_map(|asked| asked.statements.iter().cloned()).collect();
    match look(connection, together).await {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            for asked in alike {
                asked.tell(Ok(answers.by_ref().take(each).collect()));
            }
        }
        // Each hears of its own.
        Err(_) => {
            for mut asked in alike {
                let alone = look(connection, std::mem::take(&mut asked.statements)).await;
                asked.tell(alone);
            }
        }
    }
}

/// All of it as things stand at one moment.
async fn look(connection: &mut SqliteConnection, statements: Vec<Statement>) -> DbResult<Answered> {
    if statements.len() == 1 {
        return ask_sqlite(connection, Batch::default(), statements).await;
    }
    let mut batch = Batch::default();
    batch.add("BEGIN");
    let mut all = statements;
    all.push(Statement { sql: "COMMIT", values: Vec::new() });
    let answered = ask_sqlite(connection, batch, all).await;
    match answered {
        Ok(mut answers) => {
            answers.pop();
            Ok(answers)
        }
        Err(error) => {
            // Where it never began there is nothing to end.
            let _ = connection.execute("ROLLBACK").await;
            Err(error)
        }
    }
}

/// Reads that stand alone: what is asked as values goes with others' and needs no connection of its own.
pub struct SqliteOnce {
    readers: Arc<Readers>,
    connection: Option<PoolConnection<Sqlite>>,
}

impl SqliteOnce {
    pub(super) fn new(readers: &Arc<Readers>) -> Self {
        Self { readers: Arc::clone(readers), connection: None }
    }

    pub(super) async fn connection(&mut self) -> DbResult<&mut SqliteConnection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(self.readers.pool.acquire().await?)),
        }
    }

    pub(super) async fn ask(&self, statements: Vec<Statement>) -> DbResult<Answered> {
        self.readers.ask(statements).await
    }
}

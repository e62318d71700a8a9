use super::*;
use crate::testing::{BEGUN, World, on_each_engine, on_sqlite};

async fn make_counter(world: &World) {
    let mut tx = world.app.db.begin_write().await.unwrap();
    exec(&mut tx, "CREATE TABLE counter (id BIGINT NOT NULL PRIMARY KEY, total BIGINT NOT NULL CHECK (total >= 0))")
        .await
        .unwrap();
    exec(&mut tx, "INSERT INTO counter (id, total) VALUES (1, 0)").await.unwrap();
    tx.commit().await.unwrap();
}

async fn exec(tx: &mut Tx, sql: &'static str) -> DbResult<u64> {
    on_engine!(tx, |db| sqlx::query(sql).execute(db).await.map(|done| done.rows_affected()).map_err(DbError::from))
}

async fn total(db: &Db) -> i64 {
    let read = async || {
        let mut tx = db.begin_read().await?;
        let total = "SELECT total FROM counter WHERE id = 1";
        on_engine!(tx, |db| sqlx::query_scalar(total).fetch_one(db).await.map_err(DbError::from))
    };
    read().await.unwrap()
}

async fn read_then_write(db: &Db, lock: &'static str) -> DbResult<()> {
    let mut tx = db.begin_write().await?;
    let seen: i64 = on_engine!(tx, |db| sqlx::query_scalar(lock).fetch_one(db).await.map_err(DbError::from))?;
    on_engine!(tx, |db| {
        sqlx::query("UPDATE counter SET total = $1 WHERE id = 1")
            .bind(seen + 1)
            .execute(db)
            .await
            .map_err(DbError::from)
            .map(drop)
    })?;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_writers_at_once_lose_nothing() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let lock = if world.engine == "SQLite" {
            "SELECT total FROM counter WHERE id = 1"
        } else {
            "SELECT total FROM counter WHERE id = 1 FOR UPDATE"
        };
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let db = world.app.db.clone();
                tokio::spawn(async move { read_then_write(&db, lock).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(total(&world.app.db).await, 200);
    })
    .await;
}

/// Begins the transactions one after the other while all still wait, so that they share one commit.
async fn in_one_group(db: &Db, members: Vec<&'static str>) -> Vec<DbResult<()>> {
    let Engine::Sqlite { writer, .. } = &db.engine else { panic!("SQLite only") };
    let held = writer.group.lock().await;
    let tasks: Vec<_> = members
        .into_iter()
        .map(|sql| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin_write().await?;
                exec(&mut tx, sql).await?;
                tx.commit().await
            })
        })
        .collect();
    while writer.waiting.load(Ordering::SeqCst) < tasks.len() {
        tokio::task::yield_now().await;
    }
    drop(held);
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn a_member_that_fails_leaves_the_others_of_its_group() {
    on_sqlite(async |world| {
        make_counter(&world).await;
        let add = "UPDATE counter SET total = total + 1 WHERE id = 1";
        let bad = "UPDATE counter SET total = -1 WHERE id = 1";
        let answers = in_one_group(&world.app.db, vec![add, bad, add]).await;
        assert!(answers[0].is_ok() && answers[1].is_err() && answers[2].is_ok(), "{answers:?}");
        assert_eq!(total(&world.app.db).await, 2);
    })
    .await;
}

#[tokio::test]
async fn where_sqlite_undoes_a_whole_group_by_itself_nobody_is_told_otherwise() {
    on_sqlite(async |world| {
        make_counter(&world).await;
        let add = "UPDATE counter SET total = total + 1 WHERE id = 1";
        // As an error of the disk does.
        let undoes_all = "INSERT OR ROLLBACK INTO counter (id, total) VALUES (1, 0)";
        let answers = in_one_group(&world.app.db, vec![add, undoes_all, add, add]).await;
        let told: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(told, [false, false, true, true], "{answers:?}");
        assert_eq!(total(&world.app.db).await, 2, "what was told to stand stands, and nothing else");
    })
    .await;
}

/// Its own statement succeeds; only the COMMIT sees that the row it names is not there.
const SPOILER: &str = "INSERT INTO later (id, other) VALUES (1, 99)";

async fn make_later(db: &Db) {
    let mut tx = db.begin_write().await.unwrap();
    exec(
        &mut tx,
        "CREATE TABLE later (id BIGINT PRIMARY KEY, other BIGINT REFERENCES counter (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_commit_that_goes_with_the_last_statement_and_fails_stops_writing_as_any_other() {
    on_sqlite(async |world| {
        make_counter(&world).await;
        let holder = world.holder().await.holder;
        let db = &world.app.db;
        make_later(db).await;
        let whole = async || {
            let mut tx = db.begin_write_after(holder, BEGUN).await?;
            spoil_later(&mut tx)?;
            tx.commit().await
        };
        let asking = async || {
            let mut tx = db.begin_write().await?;
            exec(&mut tx, SPOILER).await?;
            tx.commit().await
        };
        let writing = async || {
            let mut tx = db.begin_write().await?;
            spoil_later(&mut tx)?;
            tx.commit().await
        };
        for round in 0..3 {
            assert!(db.can_write().await, "a write that works lets it go on");
            let failed = match round {
                0 => whole().await,
                1 => asking().await,
                _ => writing().await,
            };
            assert!(matches!(failed, Err(DbError::Stopped)), "{round}: {failed:?}");
            assert!(matches!(db.begin_write().await, Err(DbError::Stopped)), "{round}: writing stops");
        }
        assert!(db.can_write().await);
        let mut tx = db.begin_write_after(holder, BEGUN).await.unwrap();
        add_later(&mut tx, 3).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(total(db).await, 3, "nothing of what failed happened, and the number was free");
    })
    .await;
}

fn spoil_later(tx: &mut Tx) -> DbResult<()> {
    match tx.place()? {
        Place::Batch(batch) => batch.add(SPOILER),
        Place::Connection(_) => panic!("SQLite only"),
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_commit_reaches_every_member_and_writing_comes_back() {
    on_sqlite(async |world| {
        make_counter(&world).await;
        let holder = world.holder().await.holder;
        let db = &world.app.db;
        make_later(db).await;
        let add = "UPDATE counter SET total = total + 1 WHERE id = 1";
        let answers = in_one_group(db, vec![add, SPOILER, add]).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(DbError::Stopped))), "{answers:?}");
        assert_eq!(total(db).await, 0, "nothing of the group happened");
        assert!(matches!(db.begin_write().await, Err(DbError::Stopped)), "writing stops");
        let planned = db.begin_write_after(holder, BEGUN).await.unwrap();
        assert!(matches!(planned.commit().await, Err(DbError::Stopped)), "for what was decided before as well");
        assert!(db.can_write().await, "a write that works lets it go on");
        assert_eq!(in_one_group(db, vec![add]).await.len(), 1);
        assert_eq!(total(db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_ends_midway_undoes_its_own_changes_only() {
    on_sqlite(async |world| {
        make_counter(&world).await;
        let db = &world.app.db;
        let add = "UPDATE counter SET total = total + 1 WHERE id = 1";
        let (began, wait) = oneshot::channel();
        let doomed = {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin_write().await.unwrap();
                exec(&mut tx, "UPDATE counter SET total = total + 100 WHERE id = 1").await.unwrap();
                began.send(()).unwrap();
                std::future::pending::<()>().await;
                drop(tx);
            })
        };
        wait.await.unwrap();
        let after = {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin_write().await?;
                exec(&mut tx, add).await?;
                tx.commit().await
            })
        };
        doomed.abort();
        assert!(doomed.await.unwrap_err().is_cancelled());
        after.await.unwrap().unwrap();
        assert_eq!(total(db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_writes_nothing() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        exec(&mut tx, "UPDATE counter SET total = 5 WHERE id = 1").await.unwrap();
        drop(tx);
        assert!(world.app.db.can_write().await);
        assert_eq!(total(&world.app.db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_holders_numbers_have_no_gap_and_are_told_after_the_commit() {
    on_each_engine(async |world| {
        let holder = world.holder().await.holder;
        let mut events = world.app.db.events();
        let mut given_up = world.app.db.begin_write().await.unwrap();
        assert_eq!(given_up.number(holder).await.unwrap(), BEGUN + 1);
        drop(given_up);
        for expected in BEGUN + 1..=BEGUN + 3 {
            let mut tx = world.app.db.begin_write().await.unwrap();
            assert_eq!(tx.number(holder).await.unwrap(), expected);
            assert_eq!(tx.number(holder).await.unwrap(), expected, "one number a transaction");
            tx.commit().await.unwrap();
            let heard = loop {
                // The account's own beginning may still be on its way.
                let heard = events.recv().await.unwrap();
                if heard.number > BEGUN {
                    break heard;
                }
            };
            assert_eq!(heard, Touched { holder, number: expected });
        }
    })
    .await;
}

async fn add_later(tx: &mut Tx, by: i64) -> DbResult<()> {
    write_later!(tx, "UPDATE counter SET total = total + $1 WHERE id = $2", by, 1_i64)
}

#[tokio::test]
async fn what_is_written_later_keeps_its_order_and_its_values() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        add_later(&mut tx, 5).await.unwrap();
        // Waited for: what was to come later came before.
        assert_eq!(exec(&mut tx, "UPDATE counter SET total = total * 10 WHERE total = 5").await.unwrap(), 1);
        add_later(&mut tx, 2).await.unwrap();
        add_later(&mut tx, -1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(total(&world.app.db).await, 51);
        let mut tx = world.app.db.begin_write().await.unwrap();
        add_later(&mut tx, 100).await.unwrap();
        drop(tx);
        assert_eq!(total(&world.app.db).await, 51, "dropped, it never runs");
    })
    .await;
}

#[tokio::test]
async fn what_is_written_later_and_fails_fails_the_commit_of_its_transaction_alone() {
    on_sqlite(async |world| {
        make_counter(&world).await;
        let mut bad = world.app.db.begin_write().await.unwrap();
        add_later(&mut bad, 7).await.unwrap();
        add_later(&mut bad, -100).await.unwrap();
        bad.commit().await.unwrap_err();
        assert_eq!(total(&world.app.db).await, 0);
        let mut good = world.app.db.begin_write().await.unwrap();
        add_later(&mut good, 3).await.unwrap();
        good.commit().await.unwrap();
        assert_eq!(total(&world.app.db).await, 3);
    })
    .await;
}

#[tokio::test]
async fn what_was_decided_at_a_number_is_written_after_that_number_or_not_at_all() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let db = &world.app.db;
        let holder = world.holder().await.holder;
        let add = async |number: i64, by: i64| {
            let mut tx = db.begin_write_after(holder, number).await?;
            add_later(&mut tx, by).await?;
            assert_eq!(tx.number(holder).await?, number + 1);
            tx.commit().await
        };
        add(BEGUN, 1).await.unwrap();
        assert!(matches!(add(BEGUN, 10).await, Err(DbError::Conflict)), "the number was taken");
        assert!(matches!(add(BEGUN + 2, 100).await, Err(DbError::Conflict)), "a number that nobody had");
        assert_eq!(total(db).await, 1);
        // One that asks something sees its own writes, and is as much bound to the number.
        let asks = async |number: i64| {
            let mut tx = db.begin_write_after(holder, number).await?;
            add_later(&mut tx, 5).await?;
            let total: Option<i64> = one!(tx, "SELECT total FROM counter WHERE id = $1", 1_i64)?;
            tx.commit().await.map(|()| total)
        };
        assert!(matches!(asks(BEGUN).await, Err(DbError::Conflict)));
        assert_eq!(asks(BEGUN + 1).await.unwrap(), Some(6));
        let mut left = db.begin_write_after(holder, BEGUN + 2).await.unwrap();
        add_later(&mut left, 1_000).await.unwrap();
        drop(left);
        add(BEGUN + 2, 2).await.unwrap();
        assert_eq!(total(db).await, 8);
    })
    .await;
}

/// Adds to a counter that stands at so much, and only then.
async fn add_where(tx: &mut Tx, stands: i64, by: i64) -> DbResult<()> {
    write_one_later!(tx, "UPDATE counter SET total = total + $1 WHERE total = $2", by, stands)
}

#[tokio::test]
async fn a_row_that_is_not_as_it_was_read_stops_all_that_is_written_with_it() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let db = &world.app.db;
        let holder = world.holder().await.holder;
        let add = async |mut tx: Tx, stands: i64| {
            add_later(&mut tx, 1_000).await?;
            add_where(&mut tx, stands + 1_000, 1).await?;
            add_later(&mut tx, -1_000).await?;
            tx.commit().await
        };
        add(db.begin_write().await.unwrap(), 0).await.unwrap();
        assert!(matches!(add(db.begin_write().await.unwrap(), 0).await, Err(DbError::Conflict)));
        assert!(matches!(add(db.begin_whole().await.unwrap(), 0).await, Err(DbError::Conflict)));
        let ahead = db.begin_at(Moment::Ahead, holder, ()).await.unwrap().0;
        assert!(matches!(add(ahead, 0).await, Err(DbError::Conflict)));
        assert_eq!(total(db).await, 1, "nothing of what failed happened");
        let mut tx = db.begin_write().await.unwrap();
        let asked = async {
            add_where(&mut tx, 0, 1).await?;
            exec(&mut tx, "UPDATE counter SET total = 50 WHERE id = 1").await
        };
        assert!(matches!(asked.await, Err(DbError::Conflict)), "who asks hears of it");
        drop(tx);
        let ahead = db.begin_at(Moment::Ahead, holder, ()).await.unwrap().0;
        add(ahead, 1).await.unwrap();
        assert_eq!(total(db).await, 2);
    })
    .await;
}

#[tokio::test]
async fn what_looks_ahead_is_written_if_its_holder_is_as_it_looked() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let db = &world.app.db;
        let holder = world.holder().await.holder;
        let counter =
            || read_row("SELECT total FROM counter", [], |row: Option<(i64,)>| Ok(row.map_or(0, |row| row.0)));
        let (mut tx, seen) = db.begin_at(Moment::Ahead, holder, counter()).await.unwrap();
        assert_eq!((seen, tx.ask(counter()).await.unwrap()), (0, 0));
        add_later(&mut tx, 1).await.unwrap();
        assert_eq!(tx.number(holder).await.unwrap(), BEGUN + 1);
        assert_eq!(tx.number(holder).await.unwrap(), BEGUN + 1, "taken once");
        assert_eq!(tx.ask(counter()).await.unwrap(), 1, "it sees what it wrote");
        add_later(&mut tx, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(total(db).await, 2);
        // One that took no number, and one that wrote nothing, leave the number to others.
        let (mut tx, ()) = db.begin_at(Moment::Ahead, holder, ()).await.unwrap();
        add_later(&mut tx, 1).await.unwrap();
        tx.commit().await.unwrap();
        db.begin_at(Moment::Ahead, holder, ()).await.unwrap().0.commit().await.unwrap();
        let mut next = db.begin_write_after(holder, BEGUN + 1).await.unwrap();
        add_later(&mut next, 1).await.unwrap();
        next.commit().await.unwrap();
        assert_eq!(total(db).await, 4);
    })
    .await;
    on_sqlite(async |world| {
        make_counter(&world).await;
        let db = &world.app.db;
        let holder = world.holder().await.holder;
        for (number, takes) in [(BEGUN, false), (BEGUN + 1, true)] {
            let (mut tx, ()) = db.begin_at(Moment::Ahead, holder, ()).await.unwrap();
            db.begin_write_after(holder, number).await.unwrap().commit().await.unwrap();
            add_later(&mut tx, 1).await.unwrap();
            if takes {
                tx.number(holder).await.unwrap();
            }
            assert!(matches!(tx.commit().await, Err(DbError::Conflict)), "another came between");
        }
        assert_eq!(total(db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn many_who_look_ahead_for_one_holder_never_look_in_vain() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let holder = world.holder().await.holder;
        let steps = (0..32).map(|_| async {
            let (mut tx, ()) = world.app.db.begin_at(Moment::Ahead, holder, ()).await?;
            tx.number(holder).await?;
            add_later(&mut tx, 1).await?;
            tx.commit().await
        });
        for done in crate::testing::some_at_once(steps).await {
            done.unwrap();
        }
        assert_eq!(total(&world.app.db).await, 32);
    })
    .await;
}

/// Writes at the same numbers of one holder: of each round one wins, and the others leave no trace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_decided_at_one_number_one_writes() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let holder = world.holder().await.holder;
        for round in 0..20 {
            let tasks: Vec<_> = (0..8)
                .map(|_| {
                    let db = world.app.db.clone();
                    tokio::spawn(async move {
                        let mut tx = db.begin_write_after(holder, BEGUN + round).await?;
                        add_later(&mut tx, 1).await?;
                        tx.commit().await
                    })
                })
                .collect();
            let mut won = 0;
            for task in tasks {
                match task.await.unwrap() {
                    Ok(()) => won += 1,
                    Err(error) => assert!(matches!(error, DbError::Conflict), "{error:?}"),
                }
            }
            assert_eq!(won, 1);
            assert_eq!(total(&world.app.db).await, round + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn reads_that_are_asked_together_are_answered_each_by_its_own_rows() {
    on_each_engine(async |world| {
        make_counter(&world).await;
        let totals = |least: i64| {
            let list = "SELECT id, total FROM counter WHERE total >= $1 ORDER BY id";
            read_rows(list, [least.into()], |rows: Vec<(i64, i64)>| Ok(rows))
        };
        let named = |id: i64| {
            let find = "SELECT total FROM counter WHERE id = $2 AND $1 = 'counter'";
            read_row(find, ["counter".into(), id.into()], |row: Option<(i64,)>| Ok(row.map(|(total,)| total)))
        };
        let mut tx = world.app.db.begin_write().await.unwrap();
        add_later(&mut tx, 5).await.unwrap();
        add_later(&mut tx, 2).await.unwrap();
        let some = totals(7).then(|rows| Ok(rows.len()));
        let answers = tx.ask((totals(8), (named(1), None.map(totals)), Some(named(2)), some)).await.unwrap();
        assert_eq!(answers, (vec![], (Some(7), None), Some(None), 1));
        tx.commit().await.unwrap();
        let mut tx = world.app.db.begin_read().await.unwrap();
        assert_eq!(tx.ask((totals(0), named(1))).await.unwrap(), (vec![(1, 7)], Some(7)));
        let corrupt = named(1).then(|_| Err::<(), _>(DbError::Corrupt("a total")));
        assert!(matches!(tx.ask(corrupt).await, Err(DbError::Corrupt(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_ask_at_once_each_has_its_own_answer_and_its_own_error() {
    const SIZE: &str = "SELECT ABS(CAST($1 AS BIGINT))";
    const NEXT: &str = "SELECT CAST($1 AS BIGINT) + 1";
    let ask = async |db: Db, number: i64| {
        let one = |sql| read_row(sql, [number.into()], |row: Option<(i64,)>| Ok(row.map(|(found,)| found)));
        let mut tx = db.read_once().await?;
        // Some ask for more than others do.
        if number % 3 == 0 { Ok((tx.ask(one(SIZE)).await?, None)) } else { tx.ask((one(SIZE), one(NEXT))).await }
    };
    on_each_engine(async |world| {
        let db = &world.app.db;
        // The size of the least number there is is beyond what there is: that one is refused.
        for _ in 0..3 {
            let numbers: Vec<i64> = (1..200).chain([i64::MIN]).chain(200..400).collect();
            let tasks: Vec<_> = numbers.iter().map(|number| tokio::spawn(ask(db.clone(), *number))).collect();
            for (number, task) in numbers.into_iter().zip(tasks) {
                match task.await.unwrap() {
                    Ok((size, next)) => {
                        assert_eq!(size, Some(number));
                        assert_eq!(next, (number % 3 != 0).then_some(number + 1));
                    }
                    Err(error) => assert_eq!(number, i64::MIN, "{error:?}"),
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_owner_who_leaves_while_its_last_statement_runs_stops_nobody() {
    on_sqlite(async |world| {
        make_counter(&world).await;
        for patience in 0..40 {
            let mut tx = world.app.db.begin_write().await.unwrap();
            add_later(&mut tx, 1).await.unwrap();
            let mut commit = std::pin::pin!(tx.commit());
            // Looked at so often, then left: at every point of the way once.
            for _ in 0..patience {
                let done = std::future::poll_fn(|context| std::task::Poll::Ready(commit.as_mut().poll(context))).await;
                if done.is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let mut tx = world.app.db.begin_write().await.unwrap();
        add_later(&mut tx, 1_000).await.unwrap();
        tx.commit().await.unwrap();
        let total = total(&world.app.db).await;
        assert!((1_000..=1_040).contains(&total), "{total}");
    })
    .await;
}

#[test]
fn who_gets_no_connection_in_time_is_told_that_it_is_busy_and_not_that_it_failed() {
    assert!(matches!(DbError::from(sqlx::Error::PoolTimedOut), DbError::Busy));
    assert!(matches!(no_first_connection(sqlx::Error::PoolTimedOut), DbError::Away), "nobody else was connected");
    assert!(matches!(DbError::from(sqlx::Error::RowNotFound), DbError::Sql(_)));
}

#[test]
fn a_database_on_another_machine_proves_who_it_is_unless_its_url_says_otherwise() {
    let mode = |url: &str| format!("{:?}", reached_safely(url).unwrap().get_ssl_mode());
    for far in ["postgres://app@db.example.org/b", "postgres://app@192.0.2.7/b", "postgres://app@[2001:db8::1]/b"] {
        assert_eq!(mode(far), "VerifyFull", "{far}");
    }
    let near =
        ["localhost/b", "127.0.0.1:5433/b", "[::1]/b", "localhost/b?host=/run/postgresql", "%2Frun%2Fpostgresql/b"];
    for near in near {
        assert_eq!(mode(&format!("postgres://app@{near}")), "Prefer", "{near}");
    }
    assert_eq!(mode("postgres://app@db.example.org/b?sslmode=require"), "Require");
    assert_eq!(mode("postgres://app@db.example.org/b?sslmode=disable"), "Disable");
}

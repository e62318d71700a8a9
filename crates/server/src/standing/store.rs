//! Rows of restraints: added, made stricter or longer, lifted; never removed, so that the audit can look back.

use domain::ids::HolderId;
use domain::standing::{Restraint, RestraintLevel, RestraintReason};
use jiff::Timestamp;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine};

type Row = (String, String, i64, Option<i64>);

fn read((reason, level, since, until): Row) -> DbResult<Restraint> {
    let reason = RestraintReason::ALL.into_iter().find(|known| known.as_str() == reason);
    let level = RestraintLevel::ALL.into_iter().find(|known| known.as_str() == level);
    let time = |micros| Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"));
    Ok(Restraint {
        reason: reason.ok_or(DbError::Corrupt("a restraint's reason"))?,
        level: level.ok_or(DbError::Corrupt("a restraint's level"))?,
        since: time(since)?,
        until: until.map(time).transpose()?,
    })
}

/// Those that nobody lifted, also when their time is over.
pub(super) fn open(holder: HolderId) -> impl Read<Answer = Vec<Restraint>> {
    const OPEN: &str = "SELECT reason, level, since, until FROM restraint
                         WHERE holder_id = $1 AND lifted_at IS NULL ORDER BY number";
    db::read_rows(OPEN, [holder.as_uuid().into()], |rows: Vec<Row>| rows.into_iter().map(read).collect())
}

pub(super) async fn add(tx: &mut Tx, holder: HolderId, restraint: &Restraint) -> DbResult<()> {
    const ADD: &str = "INSERT INTO restraint (holder_id, number, reason, level, since, until)
        VALUES ($1, (SELECT COALESCE(MAX(r.number), 0) + 1 FROM restraint r WHERE r.holder_id = $1), $2, $3, $4, $5)";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(holder.as_uuid())
            .bind(restraint.reason.as_str())
            .bind(restraint.level.as_str())
            .bind(restraint.since.as_microsecond())
            .bind(restraint.until.map(Timestamp::as_microsecond))
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// Ends the open restraint of a reason; false when there is none. One whose time was over ended then.
pub(super) async fn lift(tx: &mut Tx, holder: HolderId, reason: RestraintReason, now: Timestamp) -> DbResult<bool> {
    const LIFT: &str = "UPDATE restraint SET lifted_at = CASE WHEN until < $3 THEN until ELSE $3 END
                         WHERE holder_id = $1 AND reason = $2 AND lifted_at IS NULL";
    let lifted = on_engine!(tx, |db| {
        sqlx::query(LIFT)
            .bind(holder.as_uuid())
            .bind(reason.as_str())
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(|done| done.rows_affected())
            .map_err(DbError::from)
    })?;
    Ok(lifted > 0)
}

use axum::extract::FromRequestParts;
use axum::http::Method;

use super::*;
use crate::testing::{BEGUN, TestDevice, World, on_each_engine};

async fn signed_in(world: &World, device: &TestDevice) -> SignedIn {
    let request = device.request(&Method::GET, "/api/v1/me", &[], axum::body::Body::empty());
    let (mut parts, _) = request.into_parts();
    SignedIn::from_request_parts(&mut parts, &world.app).await.unwrap()
}

/// Renames the holder once a key; the answer is how often it was really done.
async fn rename(world: &World, who: &SignedIn, key: &str, name: &str) -> Result<(StatusCode, String), ErrorCode> {
    let key = IdempotencyKey(key.to_owned());
    let begun = begin(&world.app, who, &key, "test.rename", &name).await.map_err(|error| error.code())?;
    let answer = match begun {
        Begun::Again(answer) => answer,
        Begun::First(mut once) => {
            let number = once.tx.number(who.holder).await.unwrap();
            once.answer(StatusCode::CREATED, &number).await.unwrap()
        }
    };
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1_000).await.unwrap();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

/// The feed number of an account's nth change.
fn number(nth: i64) -> String {
    (BEGUN + nth).to_string()
}

#[tokio::test]
async fn the_same_key_gets_the_first_answer_and_another_body_is_refused() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let who = signed_in(&world, &device).await;
        let first = rename(&world, &who, "a", "Ines").await;
        assert_eq!(first, Ok((StatusCode::CREATED, number(1))));
        assert_eq!(rename(&world, &who, "a", "Ines").await, first);
        assert_eq!(rename(&world, &who, "a", "Vera").await, Err(ErrorCode::KeyReused));
        assert_eq!(rename(&world, &who, "b", "Vera").await, Ok((StatusCode::CREATED, number(2))));
        let other = world.holder().await;
        let other = signed_in(&world, &other).await;
        assert_eq!(rename(&world, &other, "a", "Else").await, Ok((StatusCode::CREATED, number(1))));
        world.advance(KEPT + SignedDuration::from_secs(1));
        sweep(&world.app).await.unwrap();
        assert_eq!(rename(&world, &who, "a", "Vera").await, Ok((StatusCode::CREATED, number(3))));
    })
    .await;
}

#[tokio::test]
async fn ten_at_once_are_done_once() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let who = signed_in(&world, &device).await;
        let all = futures_util::future::join_all((0..10).map(|_| rename(&world, &who, "a", "Ines"))).await;
        let first = Ok((StatusCode::CREATED, number(1)));
        assert!(all.contains(&first), "{all:?}");
        assert!(all.iter().all(|answer| *answer == first || *answer == Err(ErrorCode::InProgress)), "{all:?}");
        assert_eq!(rename(&world, &who, "a", "Ines").await, first, "whoever comes again gets the answer");
    })
    .await;
}

#[tokio::test]
async fn while_the_first_is_worked_on_the_second_is_told_so_and_one_that_is_given_up_blocks_nobody() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let who = signed_in(&world, &device).await;
        let key = IdempotencyKey("a".to_owned());
        let begun = begin(&world.app, &who, &key, "test.rename", &"Ines").await.unwrap();
        let Begun::First(once) = begun else { panic!("the first") };
        let second = begin(&world.app, &who, &key, "test.rename", &"Ines").await;
        let refused = second.map(drop).unwrap_err();
        assert_eq!((refused.code(), refused.retry_after), (ErrorCode::InProgress, Some(1)));
        // The connection of the first broke off: nothing happened.
        drop(once);
        assert_eq!(rename(&world, &who, "a", "Ines").await, Ok((StatusCode::CREATED, number(1))));
    })
    .await;
}

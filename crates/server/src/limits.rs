//! How often one source or device may ask for what costs us something, and how much is worked on at once. Kept in
//! memory, bounded, keyed by the network that a client comes from or by the device that signed in; nothing here ever
//! locks an account.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::ids::DeviceId;
use jiff::Timestamp;

/// Sources remembered per limit. Beyond it those who may ask again anyway are forgotten first.
const SOURCES_MAX: usize = 20_000;

pub struct Limits {
    /// Requests that begin a sign-in, and ceremonies within one.
    pub start: Limit,
    /// New accounts.
    pub registration: Limit,
    /// Passkeys that were refused.
    pub refused: Limit,
    /// Readings of one calendar, and addresses of calendars that were none. Many people's readers come from one network.
    pub calendar_read: Limit,
    pub calendar_missed: Limit,
    /// Reports of browsers about pages, from one network and altogether.
    pub policy_reports: Limit,
    pub policy_reports_of_all: Limit,
    /// Codes that are sent to one address, asked for from one network, and for one visit.
    pub mail_to: Limit,
    pub mail_from: Limit,
    pub mail_for: Limit,
    /// Calls of one signed-in device.
    pub calls: Limit,
    /// New payments of one device.
    pub orders: Limit,
    pub orders_of_a_day: Limit,
    /// Calls of one merchant, however many tokens it has.
    pub merchant_calls: Limit,
    /// Tokens that merchants ask for from one network, with whatever secret.
    pub merchant_tokens: Limit,
    /// Tokens that devices of one network ask for or give back.
    pub tokens: Limit,
}

/// What one signed-in device may ask for, and one merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    pub calls_per_second: u32,
    /// Calls at once, before they are counted by the second.
    pub calls_at_once: u32,
    pub payments_per_minute: u32,
    pub payments_per_day: u32,
    /// Three times as many at once.
    pub merchant_calls_per_second: u32,
    /// Tokens that devices of one network ask for or give back; seventy-five times as many at once. An office of thousands
    /// is behind one address.
    pub tokens_per_second: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            calls_per_second: 20,
            calls_at_once: 60,
            payments_per_minute: 30,
            payments_per_day: 200,
            merchant_calls_per_second: 100,
            tokens_per_second: 20,
        }
    }
}

impl Limits {
    #[must_use]
    pub fn new(throttle: Throttle) -> Self {
        let spread = |over: i64, number: u32| Every::Micros((over * 1_000_000 / i64::from(number.max(1))).max(1));
        Self {
            calls: Limit::new(throttle.calls_at_once.into(), spread(1, throttle.calls_per_second)),
            orders: Limit::new(throttle.payments_per_minute.into(), spread(60, throttle.payments_per_minute)),
            orders_of_a_day: Limit::new(throttle.payments_per_day.into(), spread(86_400, throttle.payments_per_day)),
            merchant_calls: Limit::new(
                i64::from(throttle.merchant_calls_per_second) * 3,
                spread(1, throttle.merchant_calls_per_second),
            ),
            merchant_tokens: Limit::new(30, Every::Seconds(2)),
            tokens: Limit::new(i64::from(throttle.tokens_per_second) * 75, spread(1, throttle.tokens_per_second)),
            start: Limit::new(20, Every::Seconds(3)),
            registration: Limit::new(3, Every::Seconds(1_200)),
            refused: Limit::new(30, Every::Seconds(2)),
            calendar_read: Limit::new(30, Every::Seconds(60)),
            calendar_missed: Limit::new(20, Every::Seconds(3)),
            policy_reports: Limit::new(10, Every::Seconds(60)),
            policy_reports_of_all: Limit::new(100, Every::Seconds(10)),
            mail_to: Limit::new(3, Every::Seconds(3_600)),
            mail_from: Limit::new(5, Every::Seconds(60)),
            mail_for: Limit::new(2, Every::Seconds(300)),
        }
    }
}

pub enum Every {
    Seconds(i64),
    Micros(i64),
}

/// So many at once, then one more each interval.
pub struct Limit {
    burst: i64,
    interval_micros: i64,
    /// For each source, when it would have used up what it took so far.
    until: Mutex<HashMap<u128, i64>>,
}

impl Limit {
    #[must_use]
    pub fn new(burst: i64, every: Every) -> Self {
        let interval_micros = match every {
            Every::Seconds(seconds) => seconds * 1_000_000,
            Every::Micros(micros) => micros,
        };
        Self { burst, interval_micros, until: Mutex::new(HashMap::new()) }
    }

    /// Takes one for a signed-in device.
    pub fn take_for(&self, device: DeviceId, now: Timestamp) -> Result<(), u32> {
        self.take_key(device.as_uuid().as_u128(), now)
    }

    /// Takes one for the network that a client comes from; the error is the number of seconds to wait.
    pub fn take(&self, source: IpAddr, now: Timestamp) -> Result<(), u32> {
        self.take_key(network(source), now)
    }

    /// Takes one for whatever the key stands for.
    pub fn take_key(&self, key: u128, now: Timestamp) -> Result<(), u32> {
        let now = now.as_microsecond();
        let mut until = self.until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if until.len() >= SOURCES_MAX && !until.contains_key(&key) {
            until.retain(|_, end| *end > now);
            if until.len() >= SOURCES_MAX {
                return Err(60);
            }
        }
        let end = until.entry(key).or_insert(now);
        let from = (*end).max(now);
        let wait = from - now - self.interval_micros * (self.burst - 1);
        if wait > 0 {
            return Err(u32::try_from(wait / 1_000_000 + 1).unwrap_or(u32::MAX));
        }
        *end = from + self.interval_micros;
        Ok(())
    }
}

/// Requests that are worked on at once; beyond it the server says that it is busy, cheaply and at once.
pub const AT_WORK_MAX: usize = 1_024;
/// As many more for signing in and for whoever asks whether the server lives.
pub const AT_WORK_RESERVE: usize = 256;

/// How many requests this node works on.
#[derive(Clone, Default)]
pub struct Load(Arc<AtomicUsize>);

/// One request's place, until it is dropped.
pub struct AtWork(Arc<AtomicUsize>);

impl Load {
    /// A place, unless all are taken; the reserve is for those who may not be kept out.
    #[must_use]
    pub fn enter(&self, reserved: bool) -> Option<AtWork> {
        let most = if reserved { AT_WORK_MAX + AT_WORK_RESERVE } else { AT_WORK_MAX };
        let taken = AtWork(Arc::clone(&self.0));
        // The place that is given up again when it was one too many.
        (self.0.fetch_add(1, Ordering::SeqCst) < most).then_some(taken)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Connections that are open from each network, so that none takes all places.
#[derive(Clone)]
pub struct Connections {
    most: usize,
    open: Arc<Mutex<HashMap<u128, usize>>>,
}

/// One connection's place, until it is dropped.
pub struct Connected {
    open: Arc<Mutex<HashMap<u128, usize>>>,
    network: u128,
}

impl Connections {
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// A place, unless its network has as many as one may have.
    #[must_use]
    pub fn enter(&self, source: IpAddr) -> Option<Connected> {
        let network = network(source);
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let here = open.entry(network).or_default();
        if *here >= self.most {
            return None;
        }
        *here += 1;
        Some(Connected { open: Arc::clone(&self.open), network })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(here) = open.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                open.remove(&self.network);
            }
        }
    }
}

/// The /24 or /56 that an address belongs to.
fn network(source: IpAddr) -> u128 {
    match source.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4) >> 8),
        // The marker keeps the two families apart.
        IpAddr::V6(v6) => (u128::from(v6) >> 72) | (1 << 127),
    }
}

#[cfg(test)]
mod tests {
    use api::error::ErrorCode;
    use domain::ids::PaymentId;
    use domain::money::{Currency, Money};
    use domain::payments::PaymentOrder;
    use jiff::SignedDuration;

    use super::*;
    use crate::testing::{coming_from, on_each_engine, on_sqlite};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_burst_passes_then_one_each_interval() {
        let limit = Limit::new(3, Every::Seconds(10));
        let source = "192.0.2.7".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(limit.take(source, at(0)), Ok(()));
        }
        assert_eq!(limit.take(source, at(0)), Err(11));
        assert_eq!(limit.take(source, at(9)), Err(2));
        assert_eq!(limit.take(source, at(10)), Ok(()));
        assert!(limit.take(source, at(10)).is_err());
    }

    #[test]
    fn neighbours_share_a_limit_and_strangers_do_not() {
        let limit = Limit::new(1, Every::Seconds(10));
        assert!(limit.take("192.0.2.7".parse().unwrap(), at(0)).is_ok());
        assert!(limit.take("192.0.2.200".parse().unwrap(), at(0)).is_err());
        assert!(limit.take("::ffff:192.0.2.9".parse().unwrap(), at(0)).is_err());
        assert!(limit.take("192.0.3.7".parse().unwrap(), at(0)).is_ok());
        assert!(limit.take("2001:db8:0:1::1".parse().unwrap(), at(0)).is_ok());
        assert!(limit.take("2001:db8:0:ff::2".parse().unwrap(), at(0)).is_err());
        assert!(limit.take("2001:db8:0:100::1".parse().unwrap(), at(0)).is_ok());
    }

    #[test]
    fn the_last_places_are_for_signing_in() {
        let load = Load::default();
        let places: Vec<_> = (0..AT_WORK_MAX).map(|_| load.enter(false).unwrap()).collect();
        assert!(load.enter(false).is_none());
        let reserved: Vec<_> = (0..AT_WORK_RESERVE).map(|_| load.enter(true).unwrap()).collect();
        assert!(load.enter(true).is_none());
        drop(reserved);
        drop(places);
        assert!(load.enter(false).is_some(), "every place was given back");
        assert_eq!(load.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_network_has_so_many_connections_and_gives_them_back() {
        let connections = Connections::new(2);
        let [here, near, far] = ["192.0.2.7", "192.0.2.8", "198.51.100.7"].map(|text| text.parse().unwrap());
        let (one, _two) = (connections.enter(here).unwrap(), connections.enter(near).unwrap());
        assert!(connections.enter(here).is_none());
        let other = connections.enter(far).unwrap();
        drop(one);
        let _three = connections.enter(near).unwrap();
        drop(other);
        assert_eq!(connections.open.lock().unwrap().len(), 1, "nothing is kept of who left");
    }

    const ME: &str = "/api/v1/me";

    #[tokio::test]
    async fn a_device_that_asks_too_often_waits_and_others_do_not() {
        on_each_engine(async |world| {
            let world = world.throttled(Throttle::default());
            let device = world.holder().await;
            let other = world.device(device.holder).await;
            for _ in 0..60 {
                device.get(ME).await.expect(200);
            }
            let refused = device.get(ME).await;
            assert_eq!((refused.code(), refused.header("retry-after")), (ErrorCode::RateLimited, Some("1")));
            other.get(ME).await.expect(200);
            world.advance(SignedDuration::from_secs(1));
            for _ in 0..20 {
                device.get(ME).await.expect(200);
            }
            assert_eq!(device.get(ME).await.code(), ErrorCode::RateLimited);
        })
        .await;
    }

    #[tokio::test]
    async fn payments_are_counted_by_the_minute_and_the_day_and_the_same_one_again_is_not() {
        on_each_engine(async |world| {
            let wide = Throttle { calls_at_once: 10_000, payments_per_day: 40, ..Throttle::default() };
            let world = world.throttled(wide);
            let device = world.holder().await;
            let order = || PaymentOrder {
                id: PaymentId::new(world.now(), world.app.chance10()),
                biller: crate::billers::directory()[0].id,
                reference: None,
                amount: Money::new(1, Currency::USD).unwrap(),
                bill: None,
                due_on: None,
                send_on: None,
                duplicate_meant: true,
                method: None,
            };
            let first = order();
            device.post("/api/v1/payments", &first).await.expect(201);
            for _ in 1..30 {
                device.post("/api/v1/payments", &order()).await.expect(201);
            }
            let refused = device.post("/api/v1/payments", &order()).await;
            assert_eq!((refused.code(), refused.header("retry-after")), (ErrorCode::RateLimited, Some("3")));
            device.post("/api/v1/payments", &first).await.expect(200);
            world.advance(SignedDuration::from_mins(1));
            for _ in 30..40 {
                device.post("/api/v1/payments", &order()).await.expect(201);
            }
            let refused = device.post("/api/v1/payments", &order()).await;
            assert_eq!(refused.code(), ErrorCode::RateLimited);
            let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
            assert!(wait > 600, "the day's share: {wait}");
        })
        .await;
    }

    #[tokio::test]
    async fn a_merchant_that_calls_too_often_waits_whatever_its_token_and_others_do_not() {
        on_each_engine(async |world| {
            let world = world.throttled(Throttle { merchant_calls_per_second: 5, ..Throttle::default() });
            let (busy, calm) = (world.merchant("Quillmere").await, world.merchant("Halden").await);
            let path = format!("/merchant/v1/purchases/{}", PaymentId::new(world.now(), world.app.chance10()));
            for _ in 0..15 {
                busy.get(&path).await.expect(404);
            }
            let refused = busy.get(&path).await;
            assert_eq!((refused.code(), refused.header("retry-after")), (ErrorCode::RateLimited, Some("1")));
            busy.sign_in().await;
            assert_eq!(busy.get(&path).await.code(), ErrorCode::RateLimited, "a new token is the same merchant's");
            calm.get(&path).await.expect(404);
            world.advance(SignedDuration::from_secs(1));
            for _ in 0..5 {
                busy.get(&path).await.expect(404);
            }
            assert_eq!(busy.get(&path).await.code(), ErrorCode::RateLimited);
        })
        .await;
    }

    #[tokio::test]
    async fn who_asks_for_tokens_of_merchants_without_end_waits_and_no_merchant_elsewhere_does() {
        on_each_engine(async |world| {
            let merchant = world.merchant("Quillmere").await;
            coming_from([192, 0, 2, 7], async {
                for _ in 0..30 {
                    merchant.ask_token().await.expect(200);
                }
                let refused = merchant.ask_token().await;
                assert_eq!((refused.code(), refused.header("retry-after")), (ErrorCode::RateLimited, Some("3")));
            })
            .await;
            coming_from([198, 51, 100, 7], async {
                merchant.ask_token().await.expect(200);
            })
            .await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_network_that_asks_for_tokens_without_end_waits_and_no_other_does() {
        on_sqlite(async |world| {
            let device = world.holder().await;
            let ask = async || {
                let form = axum::http::Request::post("/oauth/revoke")
                    .header("content-type", "application/x-www-form-urlencoded");
                let answer = world.call(form.body("token=x&client_id=y".into()).unwrap()).await;
                (answer.status, answer.header("retry-after").map(str::to_owned))
            };
            coming_from([192, 0, 2, 7], async {
                for _ in 0..1_500 {
                    assert_eq!(ask().await.0, 400);
                }
                assert_eq!(ask().await, (axum::http::StatusCode::TOO_MANY_REQUESTS, Some("1".to_owned())));
                assert_eq!(device.refresh().await.code(), ErrorCode::RateLimited);
            })
            .await;
            coming_from([198, 51, 100, 7], async {
                device.refresh().await.expect(200);
            })
            .await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_full_server_says_so_at_once_and_still_lets_people_sign_in() {
        on_sqlite(async |world| {
            let device = world.holder().await;
            let places: Vec<_> = (0..AT_WORK_MAX).map(|_| world.app.load.enter(false).unwrap()).collect();
            let refused = device.get(ME).await;
            assert_eq!((refused.code(), refused.header("retry-after")), (ErrorCode::Unavailable, Some("1")));
            world.get("/live").await.expect(200);
            world.get("/.well-known/oauth-authorization-server").await.expect(200);
            device.refresh().await.expect(200);
            drop(places);
            device.get(ME).await.expect(200);
        })
        .await;
    }
}

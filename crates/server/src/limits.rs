//! How often one source may ask for what costs us something. Kept in memory, bounded, keyed by the network a client
//! comes from; nothing here ever locks an account.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

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
    /// Codes that are sent to one address, asked for from one network, and for one visit.
    pub mail_to: Limit,
    pub mail_from: Limit,
    pub mail_for: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Limit::new(20, Every::Seconds(3)),
            registration: Limit::new(3, Every::Seconds(1_200)),
            refused: Limit::new(30, Every::Seconds(2)),
            mail_to: Limit::new(3, Every::Seconds(3_600)),
            mail_from: Limit::new(5, Every::Seconds(60)),
            mail_for: Limit::new(2, Every::Seconds(300)),
        }
    }
}

pub enum Every {
    Seconds(i64),
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
        let Every::Seconds(seconds) = every;
        Self { burst, interval_micros: seconds * 1_000_000, until: Mutex::new(HashMap::new()) }
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
    use super::*;

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
}

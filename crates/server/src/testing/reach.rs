//! How soon what changes on a server reaches what is open.

use std::time::{Duration, Instant};

/// What is promised.
const SOON: Duration = Duration::from_secs(1);
/// After so long it does not come at all.
const AT_ALL: Duration = Duration::from_mins(1);

/// Each time it has to come, and half of the times within a second: a machine that others use may stand still for longer at
/// any moment, so that no single time says anything.
#[derive(Default)]
pub struct Reach(Vec<Duration>);

impl Reach {
    pub async fn wait_for<T>(&mut self, what: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let came = tokio::time::timeout(AT_ALL, what).await.expect("it comes at all");
        self.0.push(began.elapsed());
        came
    }

    pub fn assert_soon(mut self) {
        self.0.sort_unstable();
        let median = self.0[self.0.len() / 2];
        assert!(median <= SOON, "half of the times it took longer than {median:?}");
    }
}

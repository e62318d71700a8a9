//! When Billfold locks. One machine hears everything that may lock it (a tick of the clock, the computer's own lock and
//! sleep, another person at the desk, the person's own hand, the end) and answers what is to be done. It reads no clock
//! and does nothing itself.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Minutes without use, as a person may set them.
pub const IDLE_MINUTES_MIN: u8 = 1;
pub const IDLE_MINUTES_MAX: u8 = 15;

/// Why it is locked, for the lock screen and `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum LockReason {
    /// It was not opened since the program began.
    Started,
    /// Nothing was done for so long.
    Idle { minutes: u8 },
    /// The computer went to sleep.
    Slept,
    /// The computer's own screen was locked.
    ScreenLocked,
    /// Another person came to the desk.
    OtherPerson,
    /// The person locked it: key, button, tray or command.
    ByHand,
    /// The program ended.
    Ended,
    /// The copy was damaged and could not be built anew.
    CopyFailed,
}

/// What the machine is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockEvent {
    /// The keys are in memory now.
    Opened,
    /// The keys are gone, for whatever reason.
    Closed,
    /// The person did something.
    Used,
    /// A look at the clock; so many minutes without use lock it.
    Looked {
        idle_minutes: u8,
    },
    ScreenLocks,
    Sleeps,
    Woke,
    /// The session of this person left the screen (another took the desk).
    PersonLeft,
    ByHand,
    Ends,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockStep {
    Nothing,
    Lock(LockReason),
    /// Clocks and networks may be different: reminders and the copy look at once.
    CatchUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { used_at: Timestamp },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockMachine(State);

impl Default for LockMachine {
    fn default() -> Self {
        Self(State::Closed)
    }
}

impl LockMachine {
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.0, State::Open { .. })
    }

    /// Takes one event. A machine that is asked to lock counts as open until it hears that the keys are gone: a lock that
    /// failed is asked for again at the next look.
    #[must_use]
    pub fn take(&mut self, event: LockEvent, now: Timestamp) -> LockStep {
        match (self.0, event) {
            (_, LockEvent::Opened) => self.0 = State::Open { used_at: now },
            (_, LockEvent::Closed) => self.0 = State::Closed,
            (_, LockEvent::Woke) => return LockStep::CatchUp,
            (State::Closed, _) => {}
            (State::Open { .. }, LockEvent::Used) => self.0 = State::Open { used_at: now },
            (State::Open { used_at }, LockEvent::Looked { idle_minutes }) => {
                return self.look(used_at, idle_minutes, now);
            }
            (State::Open { .. }, LockEvent::ScreenLocks) => return LockStep::Lock(LockReason::ScreenLocked),
            (State::Open { .. }, LockEvent::Sleeps) => return LockStep::Lock(LockReason::Slept),
            (State::Open { .. }, LockEvent::PersonLeft) => return LockStep::Lock(LockReason::OtherPerson),
            (State::Open { .. }, LockEvent::ByHand) => return LockStep::Lock(LockReason::ByHand),
            (State::Open { .. }, LockEvent::Ends) => return LockStep::Lock(LockReason::Ended),
        }
        LockStep::Nothing
    }

    /// When a look at the clock is next worth it: what nobody uses until then is to be locked. `None` while it is closed.
    #[must_use]
    pub fn looks_at(&self, idle_minutes: u8) -> Option<Timestamp> {
        let State::Open { used_at } = self.0 else { return None };
        used_at.checked_add(idle(idle_minutes)).ok()
    }

    fn look(&mut self, used_at: Timestamp, idle_minutes: u8, now: Timestamp) -> LockStep {
        if now < used_at {
            // The clock was set back: the time without use begins anew rather than never ending.
            self.0 = State::Open { used_at: now };
            return LockStep::Nothing;
        }
        let minutes = idle_minutes.clamp(IDLE_MINUTES_MIN, IDLE_MINUTES_MAX);
        if now.duration_since(used_at) < idle(minutes) {
            return LockStep::Nothing;
        }
        LockStep::Lock(LockReason::Idle { minutes })
    }
}

fn idle(minutes: u8) -> SignedDuration {
    SignedDuration::from_mins(i64::from(minutes.clamp(IDLE_MINUTES_MIN, IDLE_MINUTES_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: &str = "2026-11-20T12:00:00Z";

    fn after(seconds: i64) -> Timestamp {
        let began: Timestamp = BEGAN.parse().unwrap();
        began.checked_add(SignedDuration::from_secs(seconds)).unwrap()
    }

    fn open() -> LockMachine {
        let mut machine = LockMachine::default();
        assert_eq!(machine.take(LockEvent::Opened, after(0)), LockStep::Nothing);
        machine
    }

    const ALL: [LockEvent; 10] = [
        LockEvent::Opened,
        LockEvent::Closed,
        LockEvent::Used,
        LockEvent::Looked { idle_minutes: 5 },
        LockEvent::ScreenLocks,
        LockEvent::Sleeps,
        LockEvent::Woke,
        LockEvent::PersonLeft,
        LockEvent::ByHand,
        LockEvent::Ends,
    ];

    /// Each event on an open and on a closed Billfold, ten minutes after it was last used.
    #[test]
    fn every_event_in_every_state_does_what_the_table_says() {
        let minutes = 5;
        let table = [
            (LockEvent::Opened, LockStep::Nothing, LockStep::Nothing),
            (LockEvent::Closed, LockStep::Nothing, LockStep::Nothing),
            (LockEvent::Used, LockStep::Nothing, LockStep::Nothing),
            (LockEvent::Looked { idle_minutes: 5 }, LockStep::Lock(LockReason::Idle { minutes }), LockStep::Nothing),
            (LockEvent::ScreenLocks, LockStep::Lock(LockReason::ScreenLocked), LockStep::Nothing),
            (LockEvent::Sleeps, LockStep::Lock(LockReason::Slept), LockStep::Nothing),
            (LockEvent::Woke, LockStep::CatchUp, LockStep::CatchUp),
            (LockEvent::PersonLeft, LockStep::Lock(LockReason::OtherPerson), LockStep::Nothing),
            (LockEvent::ByHand, LockStep::Lock(LockReason::ByHand), LockStep::Nothing),
            (LockEvent::Ends, LockStep::Lock(LockReason::Ended), LockStep::Nothing),
        ];
        assert_eq!(table.map(|(event, ..)| event), ALL, "no event is left out");
        for (event, when_open, when_closed) in table {
            assert_eq!(open().take(event, after(600)), when_open, "{event:?} while open");
            assert_eq!(LockMachine::default().take(event, after(600)), when_closed, "{event:?} while closed");
        }
    }

    #[test]
    fn time_without_use_is_counted_from_the_last_use_and_to_the_second() {
        let mut machine = open();
        assert_eq!(machine.take(LockEvent::Looked { idle_minutes: 1 }, after(59)), LockStep::Nothing);
        assert_eq!(machine.take(LockEvent::Used, after(59)), LockStep::Nothing);
        assert_eq!(machine.take(LockEvent::Looked { idle_minutes: 1 }, after(118)), LockStep::Nothing);
        let locked = LockStep::Lock(LockReason::Idle { minutes: 1 });
        assert_eq!(machine.take(LockEvent::Looked { idle_minutes: 1 }, after(119)), locked);
        assert_eq!(machine.take(LockEvent::Looked { idle_minutes: 1 }, after(124)), locked, "asked again until done");
        assert_eq!(machine.take(LockEvent::Closed, after(124)), LockStep::Nothing);
        assert_eq!(machine.take(LockEvent::Looked { idle_minutes: 1 }, after(999)), LockStep::Nothing);
    }

    #[test]
    fn the_next_look_is_when_it_would_lock_and_while_it_is_closed_there_is_none() {
        assert_eq!(LockMachine::default().looks_at(5), None);
        let mut machine = open();
        assert_eq!(machine.looks_at(5), Some(after(300)));
        assert_eq!(machine.take(LockEvent::Used, after(100)), LockStep::Nothing);
        let at = machine.looks_at(5).unwrap();
        assert_eq!(at, after(400));
        assert!(
            matches!(machine.take(LockEvent::Looked { idle_minutes: 5 }, at), LockStep::Lock(_)),
            "not a moment later"
        );
        assert_eq!(machine.looks_at(200), Some(after(100 + 15 * 60)), "out of range is never never");
        assert_eq!(machine.take(LockEvent::Closed, after(401)), LockStep::Nothing);
        assert_eq!(machine.looks_at(5), None);
    }

    #[test]
    fn a_setting_out_of_range_never_means_never() {
        for (said, meant) in [(0, 1), (1, 1), (15, 15), (16, 15), (255, 15)] {
            let step = open().take(LockEvent::Looked { idle_minutes: said }, after(15 * 60));
            assert_eq!(step, LockStep::Lock(LockReason::Idle { minutes: meant }));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_open() {
        let mut machine = open();
        assert_eq!(machine.take(LockEvent::Looked { idle_minutes: 5 }, after(-3_600)), LockStep::Nothing);
        let step = machine.take(LockEvent::Looked { idle_minutes: 5 }, after(-3_300));
        assert_eq!(step, LockStep::Lock(LockReason::Idle { minutes: 5 }));
    }

    #[test]
    fn an_hour_of_sleep_that_nobody_told_of_counts_as_an_hour_without_use() {
        let mut machine = open();
        let step = machine.take(LockEvent::Looked { idle_minutes: 15 }, after(3_600));
        assert_eq!(step, LockStep::Lock(LockReason::Idle { minutes: 15 }));
    }
}

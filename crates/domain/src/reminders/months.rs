//! A thousand months of two devices that sleep, crash, are off, travel, and have their clocks set: each reminder arrives
//! once, or is named in a digest, and none comes after its bill was settled.

use jiff::civil::date;

use super::*;

const MONTHS: u64 = 1_000;
const MONTH_DAYS: i64 = 45;
/// The system's timer looks so often while the app is closed.
const TIMER: SignedDuration = SignedDuration::from_mins(15);
const ZONES: [&str; 6] = [
    "America/New_York",
    "Europe/Berlin",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Kiritimati",
];
/// Months that hold the nights on which clocks change, north and south.
const BEGINS: [Date; 4] = [date(2026, 10, 5), date(2027, 2, 20), date(2027, 3, 15), date(2027, 6, 1)];

/// `SplitMix64` (Steele, Lea, Flood 2014): the same months each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn hours(&mut self, end: u64) -> SignedDuration {
        SignedDuration::from_mins(i64::try_from(self.below(end * 60)).expect("small"))
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("small")]
    }
}

/// What the server knows of one due date, and since when.
struct Fact {
    candidate: Candidate,
    settled_at: Option<Timestamp>,
}

/// How often one lead was shown by itself, named together with others, and shown for a snooze that was over.
#[derive(Default)]
struct Told {
    alone: u32,
    together: u32,
    put_off: u32,
}

struct Device {
    dice: Dice,
    preferences: Preferences,
    /// The clock on this device is so far off.
    off_by: SignedDuration,
    delivered: HashSet<Lead>,
    /// Recorded, and the process ended before it was noted as shown.
    unseen: HashSet<Lead>,
    snoozes: Vec<Snooze>,
    told: HashMap<Lead, Told>,
    /// What it has learnt from the server.
    synced_at: Timestamp,
    answers: Vec<ReminderAnswer>,
    crashes: u32,
}

impl Device {
    fn clock(&self, now: Timestamp) -> Timestamp {
        now + self.off_by
    }

    fn is_answered(&self, lead: &Lead) -> bool {
        self.answers.iter().any(|answer| answer.settles(lead))
    }

    fn learn(&mut self, now: Timestamp, server: &[ReminderAnswer]) {
        self.synced_at = now;
        for answer in server {
            let place =
                self.answers.iter().position(|known| (known.bill, known.due_on) == (answer.bill, answer.due_on));
            let before = place.map(|place| self.answers[place]);
            let both = before.map_or(*answer, |before| before.with(*answer));
            if both.snoozed_until != before.and_then(|before| before.snoozed_until) {
                self.snoozes.retain(|snooze| (snooze.bill, snooze.due_on) != (both.bill, both.due_on));
                let until = both.snoozed_until.map(|until| Snooze { bill: both.bill, due_on: both.due_on, until });
                self.snoozes.extend(until);
            }
            match place {
                Some(place) => self.answers[place] = both,
                None => self.answers.push(both),
            }
        }
    }

    /// One look, as the app and the timer's run take it; gives when to look again, and what the person answers.
    fn look(&mut self, now: Timestamp, facts: &[Fact]) -> (Option<Timestamp>, Vec<ReminderAnswer>) {
        let clock = self.clock(now);
        let candidates: Vec<Candidate> = facts
            .iter()
            .map(|fact| {
                let settled = fact.settled_at.is_some_and(|at| at <= self.synced_at);
                Candidate { need: if settled { Need::Nothing } else { fact.candidate.need }, ..fact.candidate.clone() }
            })
            .collect();
        let open: HashSet<(BillId, Date)> = candidates
            .iter()
            .filter(|candidate| candidate.need != Need::Nothing)
            .map(|candidate| (candidate.bill, candidate.due_on))
            .collect();
        let all = || candidates.iter().flat_map(|candidate| candidate.leads(&self.preferences)).map(|(lead, _)| lead);
        let known: HashSet<Lead> =
            all().filter(|lead| self.is_answered(lead)).chain(self.delivered.iter().copied()).collect();
        let plan = plan(&candidates, &self.preferences, &known, &self.snoozes, clock);
        let quiet = self.preferences.after_quiet(clock) > clock;
        assert!(!quiet || plan.show.len() + plan.digest.len() == 0, "shown in quiet hours");
        assert!(plan.next_at.is_none_or(|next| next > clock), "nothing is waited for that has passed");

        // Recorded first, in one step with the end of the snoozes; then shown; then noted.
        let showing: Vec<Reminder> = plan.show.iter().chain(&plan.digest).copied().collect();
        let again: Vec<Lead> = self.unseen.iter().copied().filter(|lead| !self.is_answered(lead)).collect();
        self.delivered.extend(&plan.record);
        self.unseen.extend(showing.iter().map(Reminder::lead));
        for reminder in showing.iter().filter(|reminder| reminder.snoozed) {
            self.snoozes.retain(|snooze| (snooze.bill, snooze.due_on) != (reminder.bill, reminder.due_on));
        }
        if self.dice.one_in(40) {
            self.crashes += 1;
            return (None, Vec::new());
        }
        let mut answers = Vec::new();
        for (reminder, alone) in
            plan.show.iter().map(|one| (one, true)).chain(plan.digest.iter().map(|one| (one, false)))
        {
            assert!(open.contains(&(reminder.bill, reminder.due_on)), "reminded of what is settled");
            assert!(reminder.at <= clock, "before its time");
            let told = self.told.entry(reminder.lead()).or_default();
            match (reminder.snoozed, alone) {
                (true, _) => told.put_off += 1,
                (false, true) => told.alone += 1,
                (false, false) => told.together += 1,
            }
            if self.dice.one_in(3) {
                let until = self.dice.one_in(2).then(|| clock + SignedDuration::from_hours(20));
                answers.push(ReminderAnswer::to(&reminder.lead(), clock, until));
            }
        }
        for lead in again.iter().filter(|lead| open.contains(&(lead.bill, lead.due_on))) {
            self.told.entry(*lead).or_default().together += 1;
        }
        if self.dice.one_in(40) {
            // Shown and not noted: the next look names it once more.
            self.crashes += 1;
            return (None, answers);
        }
        self.unseen.clear();
        (plan.next_at.map(|next| next - self.off_by), answers)
    }

    /// Nothing that passed may be left untold when a look has ended whole.
    fn check(&self, now: Timestamp, facts: &[Fact]) {
        let clock = self.clock(now);
        if self.preferences.after_quiet(clock) > clock || !self.unseen.is_empty() {
            return;
        }
        let today = clock.to_zoned(self.preferences.zone.clone()).date();
        for fact in facts.iter().filter(|fact| fact.settled_at.is_none_or(|at| at > self.synced_at)) {
            let candidate = &fact.candidate;
            let snoozed = self.snoozes.iter().any(|one| (one.bill, one.due_on) == (candidate.bill, candidate.due_on));
            let too_old = days::number_of(candidate.due_on) - days::number_of(today) < -LOOK_BACK_DAYS;
            if snoozed || too_old || candidate.need != Need::Person {
                continue;
            }
            let leads = candidate.leads(&self.preferences);
            let passed = |day: &Date| self.preferences.moment(*day).is_some_and(|at| at <= clock);
            if let Some((lead, _)) = leads.iter().rfind(|(_, day)| passed(day)) {
                let told = self.told.contains_key(lead);
                // A later one that was told while the clock was ahead stands for it.
                let after = leads.iter().skip_while(|(other, _)| other != lead).skip(1);
                let later = after.into_iter().any(|(other, _)| self.delivered.contains(other));
                assert!(told || later || self.is_answered(lead), "{lead:?} was never told");
            }
        }
    }
}

fn facts(dice: &mut Dice, begins: Timestamp, starts: Date) -> Vec<Fact> {
    let count = 3 + u8::try_from(dice.below(6)).expect("small");
    (1..=count)
        .map(|number| {
            let due_on = days::shifted(starts, i32::try_from(dice.below(30)).expect("small") + 3);
            let mut remind_days: Vec<u8> = (0..=dice.below(3)).map(|_| dice.of(&[0, 1, 2, 3, 5, 7, 14])).collect();
            remind_days.sort_unstable_by(|a, b| b.cmp(a));
            remind_days.dedup();
            let out = Need::GoesOut { on: days::shifted(due_on, -2), ordered_at: begins };
            let need = if dice.one_in(4) { out } else { Need::Person };
            let bill = BillId::new(Timestamp::UNIX_EPOCH, [number; 10]);
            let settled_at = (!dice.one_in(3)).then(|| begins + dice.hours(24 * 40));
            Fact { candidate: Candidate { bill, due_on, falls_on: due_on, need, remind_days }, settled_at }
        })
        .collect()
}

fn device(dice: &mut Dice, zone: TimeZone, begins: Timestamp) -> Device {
    let time = |hour: u64| Time::constant(i8::try_from(hour).expect("an hour"), 0, 0, 0);
    let quiet = dice.one_in(3).then(|| QuietHours::new(time(20 + dice.below(4)), time(5 + dice.below(6)))).flatten();
    Device {
        preferences: Preferences {
            remind_at: Time::constant(dice.of(&[0, 1, 2, 7, 9, 23]), dice.of(&[0, 30]), 0, 0),
            zone,
            quiet,
            again_while_unpaid: dice.one_in(2),
        },
        off_by: SignedDuration::ZERO,
        delivered: HashSet::new(),
        unseen: HashSet::new(),
        snoozes: Vec::new(),
        told: HashMap::new(),
        synced_at: begins,
        answers: Vec::new(),
        crashes: 0,
        dice: Dice(dice.below(u64::MAX)),
    }
}

/// What may happen to a device between two looks; gives how long it is away.
fn befall(device: &mut Device) -> SignedDuration {
    match device.dice.below(30) {
        // Asleep or off for up to four days.
        0..=3 => device.dice.hours(96),
        4 => {
            device.preferences.zone = TimeZone::get(device.dice.of(&ZONES)).expect("known");
            SignedDuration::ZERO
        }
        // Set wrong, by as much as two days, or right again.
        5 => {
            device.off_by = device.dice.hours(96) - SignedDuration::from_hours(48);
            SignedDuration::ZERO
        }
        6 | 7 => {
            device.off_by = SignedDuration::ZERO;
            SignedDuration::ZERO
        }
        _ => SignedDuration::ZERO,
    }
}

#[test]
fn in_a_thousand_months_each_reminder_comes_once_and_none_after_its_bill_was_settled() {
    let (mut shown, mut named, mut crashes, mut looks) = (0_u32, 0_u32, 0_u32, 0_u32);
    for seed in 0..MONTHS {
        let mut dice = Dice(seed);
        let starts = dice.of(&BEGINS);
        let zone = TimeZone::get(dice.of(&ZONES)).expect("known");
        let begins = starts.to_zoned(zone.clone()).expect("a day").timestamp();
        let facts = facts(&mut dice, begins, starts);
        let mut devices = [device(&mut dice, zone.clone(), begins), device(&mut dice, zone, begins)];
        let mut next = [begins, begins];
        let mut server: Vec<ReminderAnswer> = Vec::new();
        let ends = begins + SignedDuration::from_hours(24 * MONTH_DAYS);
        while let Some(which) = [0, 1].into_iter().filter(|which| next[*which] < ends).min_by_key(|which| next[*which])
        {
            let (now, device) = (next[which], &mut devices[which]);
            looks += 1;
            // Away from the network now and then.
            if !device.dice.one_in(4) {
                device.learn(now, &server);
            }
            let (again, answers) = device.look(now, &facts);
            device.check(now, &facts);
            for answer in answers {
                let known = server.iter_mut().find(|known| (known.bill, known.due_on) == (answer.bill, answer.due_on));
                match known {
                    Some(known) => *known = known.with(answer),
                    None => server.push(answer),
                }
                device.learn(device.synced_at, &[answer]);
            }
            let open = device.dice.one_in(2);
            // The app waits for the moment; the timer comes by and looks. Neither waits longer than half a day here, so
            // that what befalls a device befalls it often.
            let wait = if open { SignedDuration::from_hours(12) } else { TIMER + device.dice.hours(6) };
            let soonest = again.unwrap_or(now + wait).min(now + wait).max(now + SignedDuration::from_secs(1));
            next[which] = soonest + befall(device);
        }
        for device in &devices {
            crashes += device.crashes;
            for (lead, told) in &device.told {
                assert!(told.alone <= 1, "{lead:?} came {} times in month {seed}", told.alone);
                assert!(told.together <= 1 + device.crashes, "{lead:?} was named again without need");
                let once = told.alone + told.together == 1 || told.put_off > 0;
                assert!(device.crashes > 0 || once, "{lead:?} came twice in month {seed}");
                shown += told.alone;
                named += told.together;
            }
        }
    }
    // The months were what they claim to be.
    assert!(shown > 10_000 && named > 1_000 && crashes > 1_000 && looks > 100_000, "{shown} {named} {crashes} {looks}");
}

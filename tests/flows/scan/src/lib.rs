//! What stands in the memory of other processes: of a program and of all that it started. Only root may look into one that
//! is not dumpable.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

const PAGE: usize = 4_096;
const PAGES_AT_ONCE: usize = 256;
/// So much of a secret is enough to know it by, and no more is looked for.
const KNOWN_BY: usize = 16;
/// Less could be chance.
const KNOWN_BY_MIN: usize = 12;
/// Generations of processes below a program.
const GENERATIONS_MAX: usize = 5;

/// A process as it runs now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    pub id: u32,
    pub name: String,
}

impl Process {
    pub fn runs(&self) -> bool {
        all().iter().any(|(_, process)| process == self)
    }
}

/// A program and every process that it or one of them started.
pub fn family(program: u32) -> Vec<Process> {
    let all = all();
    let mut ids = vec![program];
    for _ in 0..GENERATIONS_MAX {
        let is_below = |parent: &u32, process: &Process| ids.contains(parent) && !ids.contains(&process.id);
        let below: Vec<u32> =
            all.iter().filter(|(parent, process)| is_below(parent, process)).map(|(_, process)| process.id).collect();
        ids.extend(below);
    }
    all.into_iter().map(|(_, process)| process).filter(|process| ids.contains(&process.id)).collect()
}

/// Every process that runs, each behind its parent's number.
fn all() -> Vec<(u32, Process)> {
    std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| read(&entry)).collect()
}

fn read(entry: &std::fs::DirEntry) -> Option<(u32, Process)> {
    let id = entry.file_name().to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
    let (head, rest) = stat.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    let mut rest = rest.split(' ');
    // One that has ended holds nothing any more.
    (rest.next()? != "Z").then_some(())?;
    Some((rest.next()?.parse().ok()?, Process { id, name }))
}

/// Whether this test may look into others at all.
pub fn may_look() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let may = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    const PTRACE: u64 = 1 << 19;
    may.and_then(|may| u64::from_str_radix(may.trim(), 16).ok()).is_some_and(|may| may & PTRACE != 0)
}

/// A secret, or a part of one, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub what: String,
    pub process: Process,
    /// The address, and the name of the mapping.
    pub place: String,
}

/// What is looked for. A name may stand for several forms of the same.
#[derive(Default)]
pub struct Needles(BTreeMap<String, Vec<Vec<u8>>>);

impl Needles {
    pub fn add(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= KNOWN_BY_MIN, "{name} is too short to be told from chance");
        let known = &secret[..secret.len().min(KNOWN_BY)];
        let forms = self.0.entry(name.to_owned()).or_default();
        if !forms.iter().any(|form| form == known) {
            forms.push(known.to_vec());
        }
    }

    /// As programs of C and Rust keep a text, and as web views do: a byte or two each sign.
    pub fn add_text(&mut self, name: &str, text: &str) {
        self.add(name, text.as_bytes());
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.add(&format!("{name}, wide"), &wide);
    }

    /// Looks through all of these processes, everything that was written by them or for them.
    pub fn found_in(&self, processes: &[Process]) -> Vec<Found> {
        let starts = Starts::of(self.0.values().flatten());
        let mut found = Vec::new();
        for process in processes {
            self.look_through(process, &starts, &mut found);
        }
        found
    }

    fn look_through(&self, process: &Process, starts: &Starts, found: &mut Vec<Found>) {
        let folder = PathBuf::from(format!("/proc/{}", process.id));
        let open = |name: &str| File::open(folder.join(name));
        let maps = std::fs::read_to_string(folder.join("smaps"));
        let (Ok(maps), Ok(memory), Ok(map)) = (maps, open("mem"), open("pagemap")) else {
            // It ended meanwhile.
            assert!(!process.runs(), "{} can not be looked into", process.name);
            return;
        };
        let mut pages = vec![0; PAGE * PAGES_AT_ONCE];
        for part in written_parts(&maps) {
            for run in runs(&map, &part) {
                let mut at = run.from;
                while at < run.to {
                    let wanted = usize::try_from(run.to - at).unwrap_or(usize::MAX).min(pages.len());
                    // What went meanwhile, or is lent by the kernel, is not there to be found.
                    let Ok(read @ 1..) = memory.read_at(&mut pages[..wanted], at) else { break };
                    let ends = at + read as u64 == run.to;
                    self.look_at(&pages[..read], starts, |what, offset| {
                        let place = format!("{:x} in {}", at + offset as u64, part.name);
                        found.push(Found { what: what.to_owned(), process: process.clone(), place });
                    });
                    // What stands across two readings is read again from its beginning.
                    at += (if ends { read } else { read.saturating_sub(KNOWN_BY).max(1) }) as u64;
                }
            }
        }
    }

    fn look_at(&self, bytes: &[u8], starts: &Starts, mut found: impl FnMut(&str, usize)) {
        for (offset, pair) in bytes.windows(2).enumerate() {
            if !starts.0[place_of(pair[0], pair[1])] {
                continue;
            }
            for (name, forms) in &self.0 {
                if forms.iter().any(|form| bytes[offset..].starts_with(form)) {
                    found(name, offset);
                }
            }
        }
    }
}

/// The first two bytes of everything that is looked for: almost no place of a memory has such.
struct Starts(Vec<bool>);

impl Starts {
    fn of<'a>(needles: impl Iterator<Item = &'a Vec<u8>>) -> Self {
        let mut starts = vec![false; 1 << 16];
        for needle in needles {
            starts[place_of(needle[0], needle[1])] = true;
        }
        Self(starts)
    }
}

fn place_of(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// From one address to another.
struct Run {
    from: u64,
    to: u64,
}

/// The pages of a part that are in memory or swapped out: most of what a web view sets aside is neither.
fn runs(map: &File, part: &Part) -> Vec<Run> {
    const THERE: u64 = 0b11 << 62;
    const ENTRY: usize = 8;
    let mut runs: Vec<Run> = Vec::new();
    let mut entries = vec![0; ENTRY * PAGES_AT_ONCE];
    let mut at = part.from;
    while at < part.to {
        let wanted = usize::try_from((part.to - at) / PAGE as u64).unwrap_or(usize::MAX).min(PAGES_AT_ONCE);
        let Ok(read @ ENTRY..) = map.read_at(&mut entries[..wanted * ENTRY], at / PAGE as u64 * ENTRY as u64) else {
            break;
        };
        for entry in entries[..read].chunks_exact(ENTRY) {
            let there = entry.try_into().is_ok_and(|entry| u64::from_ne_bytes(entry) & THERE != 0);
            match runs.last_mut() {
                Some(run) if there && run.to == at => run.to += PAGE as u64,
                _ if there => runs.push(Run { from: at, to: at + PAGE as u64 }),
                _ => {}
            }
            at += PAGE as u64;
        }
    }
    runs
}

struct Part {
    from: u64,
    to: u64,
    name: String,
    /// Somebody wrote into it: it is neither a file's own pages nor space that was only set aside.
    written: bool,
}

fn written_parts(maps: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        if let Some((from, to)) = first.split_once('-') {
            let hex = |text: &str| u64::from_str_radix(text, 16).unwrap_or(0);
            let name = words.nth(4).unwrap_or("no file").to_owned();
            parts.push(Part { from: hex(from), to: hex(to), name, written: false });
        } else if let Some(part) = parts.last_mut() {
            let tells = ["Anonymous:", "Private_Dirty:", "Shared_Dirty:", "Swap:"].contains(&first);
            part.written |= tells && words.next().is_some_and(|kilobytes| kilobytes != "0");
        }
    }
    parts.retain(|part| part.written);
    parts
}

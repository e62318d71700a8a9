//! On Linux: signals of the login manager and of the desktops' screen savers, on the two buses.

use std::collections::HashMap;
use std::time::Duration;

use client::lock::LockEvent;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::zvariant::{OwnedFd, OwnedObjectPath, OwnedValue};
use zbus::{Connection, MatchRule, Message, MessageStream, message::Type};

use super::{Awake, SessionEvent};

const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(600);

const LOGIN: &str = "org.freedesktop.login1";
const LOGIN_PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// A signal that matters: on which bus, by which interface and name.
#[derive(Clone, Copy)]
struct Signal {
    system: bool,
    interface: &'static str,
    member: &'static str,
    /// A login session's signals matter for this program's own session alone.
    own_session: bool,
}

const fn of_login(interface: &'static str, member: &'static str) -> Signal {
    Signal { system: true, interface, member, own_session: true }
}

const fn of_screen(interface: &'static str) -> Signal {
    Signal { system: false, interface, member: "ActiveChanged", own_session: false }
}

const SIGNALS: [Signal; 7] = [
    of_login(SESSION, "Lock"),
    // Whether the session is on the screen, and whether its screen is locked.
    of_login(PROPERTIES, "PropertiesChanged"),
    of_screen("org.freedesktop.ScreenSaver"),
    of_screen("org.gnome.ScreenSaver"),
    of_screen("org.cinnamon.ScreenSaver"),
    of_screen("org.mate.ScreenSaver"),
    of_screen("org.xfce.ScreenSaver"),
];

pub fn watch(sender: &mpsc::Sender<SessionEvent>) {
    for signal in SIGNALS {
        let sender = sender.clone();
        let follows = sender.clone();
        tokio::spawn(again_and_again(sender, signal.interface, move || follow(signal, follows.clone())));
    }
    let sender = sender.clone();
    let follows = sender.clone();
    tokio::spawn(again_and_again(sender, MANAGER, move || follow_sleep(follows.clone())));
}

/// A bus that goes away comes back, or never was here: it is looked for again after longer and longer pauses, until
/// nobody wants to hear of it.
async fn again_and_again<F: Future<Output = zbus::Result<()>>>(
    sender: mpsc::Sender<SessionEvent>,
    interface: &'static str,
    follow: impl Fn() -> F,
) {
    let mut pause = PAUSE_FIRST;
    loop {
        let began = tokio::time::Instant::now();
        if let Err(error) = follow().await {
            tracing::info!(interface, %error, "this signal is not heard here");
        }
        if began.elapsed() > PAUSE_MAX {
            pause = PAUSE_FIRST;
        }
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn follow(signal: Signal, sender: mpsc::Sender<SessionEvent>) -> zbus::Result<()> {
    let bus = if signal.system { Connection::system().await? } else { Connection::session().await? };
    let mut rule = MatchRule::builder().msg_type(Type::Signal).interface(signal.interface)?.member(signal.member)?;
    let own;
    if signal.own_session {
        own = own_session(&bus).await?;
        rule = rule.path(own.as_str())?;
    }
    let mut heard = MessageStream::for_match_rule(rule.build(), &bus, Some(8)).await?;
    while let Some(message) = heard.next().await {
        let Some(what) = meaning_of(signal.member, &message?) else { continue };
        if sender.send(SessionEvent { what, awake: None }).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The computer is asked to wait with its sleep until the keys are gone.
async fn follow_sleep(sender: mpsc::Sender<SessionEvent>) -> zbus::Result<()> {
    let bus = Connection::system().await?;
    let rule = MatchRule::builder().msg_type(Type::Signal).interface(MANAGER)?.member("PrepareForSleep")?;
    let mut heard = MessageStream::for_match_rule(rule.build(), &bus, Some(8)).await?;
    let mut awake = hold_awake(&bus).await;
    while let Some(message) = heard.next().await {
        let Ok(sleeps) = message?.body().deserialize::<bool>() else { continue };
        let event = if sleeps {
            SessionEvent { what: LockEvent::Sleeps, awake: awake.take() }
        } else {
            awake = hold_awake(&bus).await;
            SessionEvent { what: LockEvent::Woke, awake: None }
        };
        if sender.send(event).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The system sleeps only once this is closed, or after five seconds of its own. Without leave to delay, it locks as fast
/// as it can.
async fn hold_awake(bus: &Connection) -> Option<Awake> {
    let wish = ("sleep", "Billfold", "Locking first", "delay");
    let answer = bus.call_method(Some(LOGIN), LOGIN_PATH, Some(MANAGER), "Inhibit", &wish).await;
    answer.ok()?.body().deserialize::<OwnedFd>().ok().map(|hold| Awake { _hold: Box::new(hold) })
}

fn meaning_of(member: &str, message: &Message) -> Option<LockEvent> {
    let body = message.body();
    match member {
        "Lock" => Some(LockEvent::ScreenLocks),
        "ActiveChanged" => body.deserialize::<bool>().ok().filter(|on| *on).map(|_| LockEvent::ScreenLocks),
        "PropertiesChanged" => {
            let (of, changed, _): (String, HashMap<String, OwnedValue>, Vec<String>) = body.deserialize().ok()?;
            let now = |name: &str| changed.get(name).and_then(|value| bool::try_from(value).ok());
            (of == SESSION).then(|| meaning_of_session(now("Active"), now("LockedHint"))).flatten()
        }
        _ => None,
    }
}

/// What changed about the session. A locked screen says more than a session that left it.
pub(super) fn meaning_of_session(active: Option<bool>, locked: Option<bool>) -> Option<LockEvent> {
    match (active, locked) {
        (_, Some(true)) => Some(LockEvent::ScreenLocks),
        (Some(false), _) => Some(LockEvent::PersonLeft),
        _ => None,
    }
}

/// The login session of this program; of a program that the person's service manager began, the session that the
/// person has on the screen.
async fn own_session(bus: &Connection) -> zbus::Result<String> {
    let own = std::process::id();
    let ask = async |method: &str| -> zbus::Result<OwnedObjectPath> {
        let reply = bus.call_method(Some(LOGIN), LOGIN_PATH, Some(MANAGER), method, &own).await?;
        reply.body().deserialize()
    };
    if let Ok(session) = ask("GetSessionByPID").await {
        return Ok(session.as_str().to_owned());
    }
    let user = ask("GetUserByPID").await?;
    let wanted = ("org.freedesktop.login1.User", "Display");
    let reply = bus.call_method(Some(LOGIN), user.as_str(), Some(PROPERTIES), "Get", &wanted).await?;
    let value: OwnedValue = reply.body().deserialize()?;
    let (_, session) = <(String, OwnedObjectPath)>::try_from(value)?;
    Ok(session.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal<B: serde::Serialize + zbus::zvariant::DynamicType>(member: &str, body: &B) -> Option<LockEvent> {
        let message = Message::signal("/a", "org.example.Any", member).unwrap().build(body).unwrap();
        meaning_of(member, &message)
    }

    #[test]
    fn a_screen_that_locks_and_a_session_that_leaves_are_heard() {
        assert_eq!(signal("Lock", &()), Some(LockEvent::ScreenLocks));
        assert_eq!(signal("ActiveChanged", &true), Some(LockEvent::ScreenLocks));
        assert_eq!(signal("ActiveChanged", &false), None);
        let changed = |name: &str, now: bool| {
            let values = HashMap::from([(name, zbus::zvariant::Value::from(now))]);
            signal("PropertiesChanged", &(SESSION, values, Vec::<String>::new()))
        };
        assert_eq!(changed("Active", false), Some(LockEvent::PersonLeft));
        assert_eq!(changed("Active", true), None);
        assert_eq!(changed("LockedHint", true), Some(LockEvent::ScreenLocks));
        assert_eq!(changed("LockedHint", false), None);
        assert_eq!(changed("IdleHint", true), None, "the desk's own idea of idleness is not ours");
        assert_eq!(signal("PropertiesChanged", &("not what was meant", 7)), None);
    }
}

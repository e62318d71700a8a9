//! The computer's own lock and sleep, so that Billfold locks with it.

use tokio::sync::mpsc;

/// Something that Billfold locks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    Locked,
    Sleeps,
    Woke,
}

/// Tells of the session's events until the receiver is dropped. Where the system tells nothing, the idle lock remains.
#[must_use]
pub fn watch() -> mpsc::Receiver<SessionEvent> {
    let (sender, receiver) = mpsc::channel(8);
    #[cfg(target_os = "linux")]
    linux::watch(&sender);
    drop(sender);
    receiver
}

/// Whether a tray shows icons here.
pub async fn has_tray() -> bool {
    #[cfg(target_os = "linux")]
    return linux::has_tray().await;
    #[cfg(not(target_os = "linux"))]
    true
}

#[cfg(target_os = "linux")]
mod linux {
    use futures_util::StreamExt;
    use tokio::sync::mpsc;
    use zbus::{Connection, MatchRule, MessageStream, message::Type};

    use super::SessionEvent;

    /// A signal that matters: on which bus, by which interface and name, and what its one flag means.
    #[derive(Clone, Copy)]
    struct Signal {
        system: bool,
        interface: &'static str,
        member: &'static str,
        /// A session's own lock signal is for that session's path alone.
        own_session: bool,
    }

    const SIGNALS: [Signal; 4] = [
        Signal { system: true, interface: "org.freedesktop.login1.Session", member: "Lock", own_session: true },
        Signal {
            system: true,
            interface: "org.freedesktop.login1.Manager",
            member: "PrepareForSleep",
            own_session: false,
        },
        Signal { system: false, interface: "org.freedesktop.ScreenSaver", member: "ActiveChanged", own_session: false },
        Signal { system: false, interface: "org.gnome.ScreenSaver", member: "ActiveChanged", own_session: false },
    ];

    pub fn watch(sender: &mpsc::Sender<SessionEvent>) {
        for signal in SIGNALS {
            let sender = sender.clone();
            tokio::spawn(async move {
                if let Err(error) = follow(signal, sender).await {
                    tracing::info!(signal = signal.member, %error, "this signal is not heard here");
                }
            });
        }
    }

    async fn follow(signal: Signal, sender: mpsc::Sender<SessionEvent>) -> zbus::Result<()> {
        let bus = if signal.system { Connection::system().await? } else { Connection::session().await? };
        let mut rule =
            MatchRule::builder().msg_type(Type::Signal).interface(signal.interface)?.member(signal.member)?;
        let own;
        if signal.own_session {
            own = own_session(&bus).await?;
            rule = rule.path(own.as_str())?;
        }
        let mut heard = MessageStream::for_match_rule(rule.build(), &bus, Some(8)).await?;
        while let Some(message) = heard.next().await {
            let flag = message?.body().deserialize::<bool>().ok();
            let Some(event) = meaning(signal.member, flag) else { continue };
            if sender.send(event).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn meaning(member: &str, flag: Option<bool>) -> Option<SessionEvent> {
        match (member, flag) {
            ("Lock", _) | ("ActiveChanged", Some(true)) => Some(SessionEvent::Locked),
            ("PrepareForSleep", Some(true)) => Some(SessionEvent::Sleeps),
            ("PrepareForSleep", Some(false)) => Some(SessionEvent::Woke),
            _ => None,
        }
    }

    async fn own_session(bus: &Connection) -> zbus::Result<String> {
        let manager = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager");
        let reply = bus
            .call_method(Some(manager.0), manager.1, Some(manager.2), "GetSessionByPID", &std::process::id())
            .await?;
        let path: zbus::zvariant::OwnedObjectPath = reply.body().deserialize()?;
        Ok(path.as_str().to_owned())
    }

    pub async fn has_tray() -> bool {
        let Ok(bus) = Connection::session().await else { return false };
        let driver = "org.freedesktop.DBus";
        let asked = bus
            .call_method(
                Some(driver),
                "/org/freedesktop/DBus",
                Some(driver),
                "NameHasOwner",
                &"org.kde.StatusNotifierWatcher",
            )
            .await;
        asked.ok().and_then(|reply| reply.body().deserialize::<bool>().ok()).unwrap_or(false)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn locking_and_sleeping_are_told_apart_from_waking_and_unlocking() {
        assert_eq!(linux::meaning("Lock", None), Some(SessionEvent::Locked));
        assert_eq!(linux::meaning("ActiveChanged", Some(true)), Some(SessionEvent::Locked));
        assert_eq!(linux::meaning("ActiveChanged", Some(false)), None);
        assert_eq!(linux::meaning("PrepareForSleep", Some(true)), Some(SessionEvent::Sleeps));
        assert_eq!(linux::meaning("PrepareForSleep", Some(false)), Some(SessionEvent::Woke));
    }
}

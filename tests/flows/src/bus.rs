//! A session bus of its own, with what flows need on it: the real keyring daemon, and a notification service and a tray
//! host that keep what they are told.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Variant, connection, fdo, interface};

use crate::process::{Program, wait_until};

pub struct Bus {
    pub address: String,
    _folder: TempDir,
    _daemon: Program,
}

const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir=FOLDER</listen><servicedir>FOLDER</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#;

impl Bus {
    pub fn start() -> Self {
        Self::start_in(folder())
    }

    /// One that starts the real keyring daemon when it is asked for first, unlocked, with its files in that home.
    pub fn with_keyring(home: &Path) -> Self {
        let folder = folder();
        let script = folder.path().join("keyring.sh");
        let text = format!(
            "export HOME='{home}' XDG_DATA_HOME='{home}/share' XDG_RUNTIME_DIR='{home}/run'
             export DBUS_SESSION_BUS_ADDRESS=\"$DBUS_STARTER_ADDRESS\"
             {UNLOCKED} {KEYRING_ALONE}
            ",
            home = home.display()
        );
        std::fs::write(&script, text).expect("a file");
        let service = format!("[D-BUS Service]\nName={KEYRING}\nExec=/bin/sh {}\n", script.display());
        std::fs::write(folder.path().join(format!("{KEYRING}.service")), service).expect("a file");
        Self::start_in(folder)
    }

    fn start_in(folder: TempDir) -> Self {
        let config = folder.path().join("bus.conf");
        let text = CONFIG.replace("FOLDER", &folder.path().display().to_string());
        std::fs::write(&config, text).expect("a file");
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address=1"]);
        let daemon = Program::start(&mut command);
        let address = daemon.wait_for("unix:");
        Self { address, _folder: folder, _daemon: daemon }
    }

    pub async fn connect(&self) -> Connection {
        connection::Builder::address(self.address.as_str()).build().await.expect("a connection")
    }

    async fn wait_for_name(&self, name: &str) {
        let connection = self.connect().await;
        let bus = fdo::DBusProxy::new(&connection).await.expect("the bus");
        crate::process::wait_for(name, async || {
            bus.name_has_owner(name.try_into().expect("a name")).await.ok().filter(|has| *has).map(drop)
        })
        .await;
    }

    /// The real keyring daemon, unlocked, with its files in that home.
    pub async fn keyring(&self, home: &Path) -> Keyring {
        let program = start_keyring(&self.address, home, true);
        self.wait_for_name(KEYRING).await;
        Keyring { program }
    }

    /// The same with a keyring that nobody unlocks.
    pub async fn locked_keyring(&self, home: &Path) -> Keyring {
        let program = start_keyring(&self.address, home, false);
        self.wait_for_name(KEYRING).await;
        Keyring { program }
    }

    /// A notification service that keeps what it is asked to show.
    pub async fn notices(&self) -> Notices {
        let kept: Kept = Arc::default();
        let (held, service_held) = tokio::sync::watch::channel(false);
        let service = Service { kept: Arc::clone(&kept), held: service_held };
        let connection = connection::Builder::address(self.address.as_str())
            .name("org.freedesktop.Notifications")
            .serve_at(PATH, service)
            .build()
            .await
            .expect("a connection");
        Notices { kept, connection, held }
    }
}

pub struct Keyring {
    program: Program,
}

impl Keyring {
    pub fn stop(self) {
        self.program.kill();
    }
}

const KEYRING: &str = "org.freedesktop.secrets";
/// The password comes on standard input, and the line's end belongs to it.
const UNLOCKED: &str = "printf 'test\\n' | exec gnome-keyring-daemon --unlock";
const KEYRING_ALONE: &str = "--components=secrets --foreground";

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("billfold-bus-").tempdir().expect("a folder")
}

fn start_keyring(address: &str, home: &Path, unlocked: bool) -> Program {
    let daemon = if unlocked { UNLOCKED } else { "exec gnome-keyring-daemon" };
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{daemon} {KEYRING_ALONE}"))
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("share"))
        .env("XDG_RUNTIME_DIR", home.join("run"));
    Program::start(&mut command)
}

// ---- Notices -------------------------------------------------------------------------------------------------------

const PATH: &str = "/org/freedesktop/Notifications";

/// One notice as the service was asked to show it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub number: u32,
    pub title: String,
    pub body: String,
    /// Keys and labels in turn.
    pub actions: Vec<String>,
    pub closed: bool,
}

type Kept = Arc<Mutex<Vec<Shown>>>;

struct Service {
    kept: Kept,
    /// While it is true a notice is on the screen, and whoever asked for it waits for the answer.
    held: tokio::sync::watch::Receiver<bool>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        vec!["actions".to_owned(), "body".to_owned(), "persistence".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("Flow notices".to_owned(), "Billfold".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    #[expect(clippy::too_many_arguments, reason = "the standard's signature")]
    async fn notify(
        &self,
        _app_name: String,
        replaces: u32,
        _icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedVariant>,
        _expires: i32,
    ) -> u32 {
        let number = {
            let mut kept = self.kept.lock().expect("no panic here");
            let number = if replaces > 0 { replaces } else { u32::try_from(kept.len()).expect("few") + 1 };
            kept.push(Shown { number, title, body, actions, closed: false });
            number
        };
        // The other side ends with the flow.
        let _ = self.held.clone().wait_for(|held| !held).await;
        number
    }

    async fn close_notification(&self, number: u32, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        for shown in self.kept.lock().expect("no panic here").iter_mut().filter(|shown| shown.number == number) {
            shown.closed = true;
        }
        let _ = Self::notification_closed(&emitter, number, 3).await;
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, number: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, number: u32, reason: u32) -> zbus::Result<()>;
}

pub struct Notices {
    kept: Kept,
    connection: Connection,
    held: tokio::sync::watch::Sender<bool>,
}

impl Notices {
    /// From now on whoever shows a notice waits for the answer, until told otherwise.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub fn all(&self) -> Vec<Shown> {
        self.kept.lock().expect("no panic here").clone()
    }

    /// Waits for a notice whose title holds this.
    pub fn wait(&self, title: &str) -> Shown {
        wait_until(&format!("a notice with {title:?}"), || {
            self.all().into_iter().rev().find(|shown| shown.title.contains(title))
        })
    }

    /// Presses one of its buttons. That the notice then closes is not told: who begins to listen between the two would
    /// hear of the closing alone.
    pub async fn press(&self, number: u32, action: &str) {
        let emitter = SignalEmitter::new(&self.connection, PATH).expect("a path");
        Service::action_invoked(&emitter, number, action).await.expect("a signal");
    }
}

// ---- Tray ----------------------------------------------------------------------------------------------------------

/// A tray host: programs register their icons here.
pub struct Tray {
    items: Arc<Mutex<Vec<String>>>,
    connection: Connection,
}

struct Watcher {
    items: Arc<Mutex<Vec<String>>>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: zbus::message::Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = if service.starts_with('/') { format!("{sender}{service}") } else { service.to_owned() };
        self.items.lock().expect("no panic here").push(item);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.items.lock().expect("no panic here").clone()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A node of a tray menu: number, properties, children.
type Layout = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

impl Bus {
    pub async fn tray(&self) -> Tray {
        let items: Arc<Mutex<Vec<String>>> = Arc::default();
        let watcher = Watcher { items: Arc::clone(&items) };
        let connection = connection::Builder::address(self.address.as_str())
            .name("org.kde.StatusNotifierWatcher")
            .serve_at("/StatusNotifierWatcher", watcher)
            .build()
            .await
            .expect("a connection");
        Tray { items, connection }
    }
}

impl Tray {
    /// Bus name and menu path of the one icon.
    async fn menu(&self) -> Option<(String, String)> {
        let item = self.items.lock().expect("no panic here").last().cloned()?;
        let (name, path) = item.split_at(item.find('/')?);
        let answer = self
            .connection
            .call_method(
                Some(name),
                path,
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &("org.kde.StatusNotifierItem", "Menu"),
            )
            .await
            .ok()?;
        let value: OwnedVariant = answer.body().deserialize().ok()?;
        let path = OwnedObjectPath::try_from(value).ok()?;
        Some((name.to_owned(), path.to_string()))
    }

    /// The menu's lines in order, each with its number; separators have no words.
    pub async fn lines(&self) -> Option<Vec<(i32, String)>> {
        let (name, path) = self.menu().await?;
        let none: Vec<&str> = Vec::new();
        let answer = self
            .connection
            .call_method(
                Some(name.as_str()),
                path.as_str(),
                Some("com.canonical.dbusmenu"),
                "GetLayout",
                &(0, -1, none),
            )
            .await
            .ok()?;
        let (_, (_, _, children)): (u32, Layout) = answer.body().deserialize().ok()?;
        let line = |child: OwnedVariant| {
            let (number, properties, _) = Layout::try_from(child).ok()?;
            let label = properties.get("label").and_then(|label| match &**label {
                Variant::Str(text) => Some(text.to_string()),
                _ => None,
            });
            Some((number, label.unwrap_or_default()))
        };
        children.into_iter().map(line).collect()
    }

    /// Waits until the menu has a line with these words, and gives all of it.
    pub async fn wait(&self, words: &str) -> Vec<(i32, String)> {
        crate::process::wait_for(&format!("{words:?} in the tray"), async || {
            self.lines().await.filter(|lines| lines.iter().any(|(_, line)| line.contains(words)))
        })
        .await
    }

    /// Clicks the line with these words. A menu that changed since it was read has other numbers: it is read again.
    pub async fn click(&self, words: &str) {
        crate::process::wait_for(&format!("a click on {words:?} in the tray"), async || {
            let lines = self.wait(words).await;
            let (number, _) = lines.iter().find(|(_, line)| line.contains(words))?;
            let (name, path) = self.menu().await?;
            let nothing = Variant::from(0_i32);
            let clicked = (*number, "clicked", nothing, 0_u32);
            let dbusmenu = Some("com.canonical.dbusmenu");
            let answer = self.connection.call_method(Some(name.as_str()), path.as_str(), dbusmenu, "Event", &clicked);
            answer.await.ok().map(drop)
        })
        .await;
    }
}

/// Whether a program of this name is installed.
pub fn installed(program: &str) -> bool {
    let found = Command::new("sh").arg("-c").arg(format!("command -v {program}")).stdout(Stdio::null()).status();
    let _ = std::io::stderr().flush();
    found.is_ok_and(|status| status.success())
}

//! The app's real window, on a virtual display, driven through WebKit's own WebDriver.

use std::cell::Cell;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub use thirtyfour::By;
use thirtyfour::prelude::*;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat, MapState};

use crate::place::{Place, billfold_program};
use crate::process::{Program, wait_until};

/// A display of its own.
pub struct Display {
    pub name: String,
    _program: Program,
}

impl Display {
    pub fn start() -> Self {
        let mut command = Command::new("Xvfb");
        // Without its reset, which begins when the last who looks at it leaves and turns away whoever comes meanwhile.
        command.args(["-displayfd", "1", "-screen", "0", "1280x860x24", "-nolisten", "tcp", "-noreset"]);
        let program = Program::start(&mut command);
        let number = wait_until("the number of a display", || {
            program.said().lines().find(|line| line.trim().parse::<u32>().is_ok()).map(str::to_owned)
        });
        Self { name: format!(":{}", number.trim()), _program: program }
    }

    /// The window with this title, once it is on the screen.
    pub fn mapped(&self, title: &str) -> Option<u32> {
        let (connection, screen) = x11rb::connect(Some(&self.name)).ok()?;
        let mut windows = vec![connection.setup().roots.get(screen)?.root];
        while let Some(window) = windows.pop() {
            if let Ok(tree) = connection.query_tree(window).ok()?.reply() {
                windows.extend(tree.children);
            }
            let name = connection.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 1_024).ok()?;
            let named = name.reply().is_ok_and(|name| name.value == title.as_bytes());
            let state = connection.get_window_attributes(window).ok()?.reply();
            let wide = connection.get_geometry(window).ok()?.reply().is_ok_and(|size| size.width > 400);
            if named && wide && state.is_ok_and(|state| state.map_state == MapState::VIEWABLE) {
                return Some(window);
            }
        }
        None
    }

    /// Whether anything is written where a window has its content: beside the navigation and below the bar.
    pub fn shows_text(&self, window: u32) -> bool {
        const INK_MIN: usize = 300;
        let Ok((connection, _)) = x11rb::connect(Some(&self.name)) else { return false };
        let Some(size) = connection.get_geometry(window).ok().and_then(|asked| asked.reply().ok()) else {
            return false;
        };
        let (x, y) = (size.width / 4, size.height / 50);
        let asked = connection.get_image(
            ImageFormat::Z_PIXMAP,
            window,
            i16::try_from(x).unwrap_or(0),
            i16::try_from(y).unwrap_or(0),
            size.width - x - 8,
            size.height - y - 8,
            u32::MAX,
        );
        let Some(image) = asked.ok().and_then(|asked| asked.reply().ok()) else { return false };
        let mut counts = std::collections::HashMap::<&[u8], usize>::new();
        for pixel in image.data.chunks_exact(4) {
            *counts.entry(pixel).or_default() += 1;
        }
        let paper = counts.values().max().copied().unwrap_or(0);
        counts.values().sum::<usize>() - paper > INK_MIN
    }

    /// Types into the window, as hands on the keyboard do.
    pub fn type_into(&self, window: u32, text: &str) {
        // No window manager is here to give it the keyboard.
        self.hands(&["windowfocus", "--sync", &window.to_string()]);
        self.hands(&["type", "--delay", "5", text]);
    }

    /// Presses keys in the window: `ctrl+l`.
    pub fn press_in(&self, window: u32, keys: &str) {
        self.hands(&["windowfocus", "--sync", &window.to_string()]);
        self.hands(&["key", keys]);
    }

    fn hands(&self, arguments: &[&str]) {
        let done = Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).status();
        assert!(done.is_ok_and(|status| status.success()), "xdotool {arguments:?}");
    }

    /// Chooses a file in the system's dialog with this title, as hands on the keyboard do: its path, then Enter.
    pub fn choose_file(&self, title: &str, path: &str) {
        let window = wait_until(title, || self.mapped(title));
        // A slash opens the field for a path, some time later; what is typed before that is lost.
        self.press_in(window, "slash");
        wait_until("the field for a path", || self.is_white(window, (500, 22), 400).then_some(()));
        self.hands(&["key", "ctrl+a"]);
        self.hands(&["type", "--delay", "5", path]);
        self.hands(&["key", "Return"]);
    }

    /// Says in the system's dialog with this title where a file goes, and waits until the dialog has gone. What is typed
    /// before its field is there is lost, so it is typed until it is not.
    pub fn save_file(&self, title: &str, path: &str) {
        let window = wait_until(title, || self.mapped(title));
        let hands = |arguments: &[&str]| {
            let _ = Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).status();
        };
        wait_until("the file", || {
            hands(&["windowfocus", "--sync", &window.to_string()]);
            hands(&["key", "ctrl+a"]);
            hands(&["type", "--delay", "5", path]);
            hands(&["key", "Return"]);
            (0..50)
                .any(|_| {
                    std::thread::sleep(Duration::from_millis(20));
                    self.mapped(title).is_none()
                })
                .then_some(())
        });
    }

    /// Whether that many points to the right of this one are white.
    fn is_white(&self, window: u32, (x, y): (i16, i16), width: u16) -> bool {
        let Ok((connection, _)) = x11rb::connect(Some(&self.name)) else { return false };
        let asked = connection.get_image(ImageFormat::Z_PIXMAP, window, x, y, width, 1, u32::MAX);
        let image = asked.ok().and_then(|asked| asked.reply().ok());
        image.is_some_and(|image| image.data.chunks_exact(4).all(|pixel| pixel[..3] == [255; 3]))
    }

    /// Asks every window with this title to close, as its close button does; gives how many there were.
    pub fn close_windows(&self, title: &str) -> usize {
        let (connection, screen) = x11rb::connect(Some(&self.name)).expect("the display");
        let root = connection.setup().roots[screen].root;
        let atom = |name: &[u8]| connection.intern_atom(false, name).expect("a request").reply().expect("an atom").atom;
        let (protocols, delete) = (atom(b"WM_PROTOCOLS"), atom(b"WM_DELETE_WINDOW"));
        let mut windows = vec![root];
        let mut closed = 0;
        while let Some(window) = windows.pop() {
            if let Ok(tree) = connection.query_tree(window).expect("a request").reply() {
                windows.extend(tree.children);
            }
            let read = |property: u32, kind: AtomEnum| {
                let asked = connection.get_property(false, window, property, kind, 0, 1_024).expect("a request");
                asked.reply().map(|answer| answer.value).unwrap_or_default()
            };
            let named = read(AtomEnum::WM_NAME.into(), AtomEnum::ANY) == title.as_bytes();
            if named && !read(protocols, AtomEnum::ATOM).is_empty() {
                let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
                connection.send_event(false, window, EventMask::NO_EVENT, message).expect("a request");
                closed += 1;
            }
        }
        connection.flush().expect("the display");
        closed
    }
}

pub struct Window {
    pub driver: WebDriver,
    _program: Program,
}

/// Starts what drives the window, and says on which port it listens.
fn start_driver(place: &Place, display: &Display) -> (Program, u16) {
    let port = Cell::new(0);
    Program::start_listening(
        || {
            // One that was free a moment ago; the driver has no way to choose one by itself.
            let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
            port.set(free.expect("a free port").port());
            let mut command = Command::new("WebKitWebDriver");
            command.arg(format!("--port={}", port.get())).arg("--host=127.0.0.1");
            place.dress(&mut command);
            command.env("DISPLAY", &display.name).env("TAURI_WEBVIEW_AUTOMATION", "true");
            Program::start(&mut command)
        },
        |_| TcpStream::connect(("127.0.0.1", port.get())).ok().map(|_| port.get()),
    )
}

impl Window {
    /// Starts the app with its window open, as a person would.
    pub async fn open(place: &Place, display: &Display) -> Self {
        crate::name_cryptography();
        let (program, port) = start_driver(place, display);
        let mut capabilities = Capabilities::new();
        let options = serde_json::json!({
            "binary": billfold_program(),
            "args": ["--data", place.data()],
        });
        capabilities.set("webkitgtk:browserOptions", options).expect("an option");
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await.expect("a window");
        Self { driver, _program: program }
    }

    pub async fn text(&self) -> String {
        match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => format!("({error})"),
        }
    }

    /// Waits until these words stand in the window.
    pub async fn wait(&self, words: &str) {
        let began = std::time::Instant::now();
        loop {
            let text = self.text().await;
            if text.contains(words) {
                return;
            }
            assert!(began.elapsed() < crate::process::PATIENCE, "no {words:?} in the window: {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks what bears these words: a button or a link.
    pub async fn press(&self, words: &str) {
        let path = format!(
            "//*[self::button or self::a or @role='button'][normalize-space()=\"{words}\" or @aria-label=\"{words}\"]"
        );
        self.click(By::XPath(path)).await;
    }

    /// Waits until nothing of that kind stands in the window any more.
    pub async fn wait_gone(&self, css: &str) {
        crate::process::wait_for(&format!("{css} to go"), async || {
            let found = self.driver.find_all(By::Css(css)).await.ok()?;
            found.is_empty().then_some(())
        })
        .await;
    }

    /// Goes to a screen by the navigation.
    pub async fn go(&self, screen: &str) {
        self.click(By::XPath(format!("//nav//a[contains(normalize-space(), \"{screen}\")]"))).await;
    }

    /// Ticks the box with this label.
    pub async fn check(&self, label: &str) {
        self.click(By::XPath(format!("//label[contains(normalize-space(), \"{label}\")]"))).await;
    }

    /// Clicks the button or link in which these words stand.
    pub async fn click_with(&self, words: &str) {
        let path = format!("//*[self::button or self::a][contains(normalize-space(), \"{words}\")]");
        self.click(By::XPath(path)).await;
    }

    pub async fn click(&self, by: By) {
        let element = self.find(by).await;
        element.scroll_into_view().await.expect("it is there");
        element.click().await.expect("a click");
    }

    pub async fn find(&self, by: By) -> WebElement {
        let query = self.driver.query(by.clone()).wait(Duration::from_secs(20), Duration::from_millis(50));
        match query.and_displayed().first().await {
            Ok(element) => element,
            Err(_) => panic!("no {by:?} in the window: {}", self.text().await),
        }
    }

    /// Fills the field with this label.
    pub async fn fill(&self, label: &str, value: &str) {
        let path = format!("//input[@id=//label[starts-with(normalize-space(),\"{label}\")]/@for]");
        let field = self.find(By::XPath(path)).await;
        field.clear().await.expect("it is a field");
        field.send_keys(value).await.expect("it is a field");
    }

    /// A picture of what the window shows, once it is drawn.
    pub async fn picture(&self, to: &Path) {
        let twice = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(true)));";
        self.driver.execute_async(twice, Vec::new()).await.expect("it draws");
        self.driver.screenshot(to).await.expect("a picture");
    }

    pub async fn close(self) {
        let _ = self.driver.clone().quit().await;
    }
}

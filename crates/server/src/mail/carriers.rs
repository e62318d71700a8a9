//! What takes a message away: SMTP, a folder of files, and an operator's gateway for text messages. A carrier is never
//! called within a transaction, and says only whether it is worth trying again. Addresses and texts reach no log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use domain::addresses::AddressValue;
use domain::time::Clock;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use uuid::Uuid;
use webauthn_rs::prelude::Url;

use crate::config::{ConfigError, Secret};

/// Shorter than a job's lease: whoever takes the job next must find the last try over.
const CARRY_WITHIN: Duration = Duration::from_secs(25);

/// One message on its way.
#[derive(Clone)]
pub struct Letter {
    /// The same at each try, so that a second copy is known as one.
    pub id: Uuid,
    pub to: AddressValue,
    /// A text message has none.
    pub subject: String,
    pub text: String,
}

/// Why a message did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCarried {
    /// It may go another time.
    Later,
    /// It never will.
    Never,
}

pub trait Carrier: Send + Sync {
    fn carry(&self, letter: Letter) -> BoxFuture<'_, Result<(), NotCarried>>;
}

/// The carriers that a server has; one of a person alone usually has none.
#[derive(Clone, Default)]
pub struct Carriers {
    pub email: Option<Arc<dyn Carrier>>,
    pub texts: Option<Arc<dyn Carrier>>,
}

impl Carriers {
    pub fn new(
        mail: Option<&MailSettings>,
        texts: Option<&TextGateway>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let email = mail.map(|mail| mail.carrier(Arc::clone(clock))).transpose()?;
        let texts = texts.map(|texts| Gateway::new(texts, CARRY_WITHIN)).transpose()?;
        Ok(Self { email, texts: texts.map(|texts| Arc::new(texts) as Arc<dyn Carrier>) })
    }
}

// ---- e-mail ------------------------------------------------------------------------------------------------------

/// How e-mail leaves this server.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// Whom messages are from: `Billfold <accounts@example.org>`.
    pub from: String,
    pub way: MailWay,
}

#[derive(Clone, Debug)]
pub enum MailWay {
    Smtp {
        /// `smtps://HOST` (TLS from the start), `smtp://HOST` (TLS before anything is said), or `smtp://localhost:PORT`.
        server: String,
        login: Option<(String, Secret)>,
    },
    /// Each message is a file, for trying things out.
    Folder(PathBuf),
}

impl MailSettings {
    fn carrier(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Carrier>, ConfigError> {
        let from: Mailbox = self.from.parse().map_err(|_| ConfigError::MailFrom)?;
        Ok(match &self.way {
            MailWay::Smtp { server, login } => {
                Arc::new(Smtp { from, clock, transport: transport(server, login.as_ref())? })
            }
            MailWay::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(ConfigError::Folder)?;
                Arc::new(Folder { from, clock, folder: folder.clone() })
            }
        })
    }
}

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Nothing leaves this machine without TLS.
fn transport(server: &str, login: Option<&(String, Secret)>) -> Result<Transport, ConfigError> {
    let wrong = || ConfigError::MailServer;
    let url: Url = server.parse().map_err(|_| wrong())?;
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let host = url.host_str().filter(|_| bare && matches!(url.path(), "" | "/")).ok_or_else(wrong)?;
    let near = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let tls = |_| wrong();
    let builder = match url.scheme() {
        "smtps" => Transport::relay(host).map_err(tls)?,
        "smtp" if near => Transport::builder_dangerous(host),
        "smtp" => Transport::starttls_relay(host).map_err(tls)?,
        _ => return Err(wrong()),
    };
    let builder = builder.timeout(Some(CARRY_WITHIN));
    let builder = match url.port() {
        Some(port) => builder.port(port),
        None => builder,
    };
    let builder = match login {
        Some((name, password)) => builder.credentials(Credentials::new(name.clone(), password.expose().to_owned())),
        None => builder,
    };
    Ok(builder.build())
}

fn message(from: &Mailbox, letter: &Letter, now: Timestamp) -> Result<Message, NotCarried> {
    let to = letter.to.text().parse().map_err(|_| NotCarried::Never)?;
    let id = format!("<{}@{}>", letter.id, from.email.domain());
    // RFC 3834: no answer is wanted, least of all by an automatic one.
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    // Readable as it is on its way, whatever the language.
    let text = Body::new_with_encoding(letter.text.clone(), ContentTransferEncoding::QuotedPrintable);
    let text = text.map_err(|_| NotCarried::Never)?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(&letter.subject)
        .date(SystemTime::from(now))
        .message_id(Some(id))
        .raw_header(automatic)
        .header(ContentType::TEXT_PLAIN)
        .body(text)
        .map_err(|_| NotCarried::Never)
}

struct Smtp {
    from: Mailbox,
    clock: Arc<dyn Clock>,
    transport: Transport,
}

impl Carrier for Smtp {
    fn carry(&self, letter: Letter) -> BoxFuture<'_, Result<(), NotCarried>> {
        Box::pin(async move {
            let message = message(&self.from, &letter, self.clock.now())?;
            let sent = tokio::time::timeout(CARRY_WITHIN, self.transport.send(message)).await;
            match sent {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) if error.is_permanent() => Err(NotCarried::Never),
                Ok(Err(_)) | Err(_) => Err(NotCarried::Later),
            }
        })
    }
}

struct Folder {
    from: Mailbox,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
}

impl Carrier for Folder {
    fn carry(&self, letter: Letter) -> BoxFuture<'_, Result<(), NotCarried>> {
        Box::pin(async move {
            let message = message(&self.from, &letter, self.clock.now())?;
            let file = self.folder.join(format!("{}.eml", letter.id));
            let written = tokio::task::spawn_blocking(move || write_whole(&file, &message.formatted())).await;
            match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(NotCarried::Later),
            }
        })
    }
}

/// Under its name a file is whole: whoever watches the folder never reads half a message.
fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = file.with_extension("part");
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, file)
}

// ---- text messages -----------------------------------------------------------------------------------------------

/// An operator's own gateway: `POST` of `{"id", "to", "text"}`, with the token as a bearer's.
#[derive(Clone, Debug)]
pub struct TextGateway {
    /// https, or http on this machine.
    pub address: String,
    pub token: Option<Secret>,
}

pub(super) struct Gateway {
    address: Url,
    token: Option<Secret>,
    http: reqwest::Client,
}

impl Gateway {
    /// An answer may take so long.
    pub fn new(gateway: &TextGateway, within: Duration) -> Result<Self, ConfigError> {
        let address: Url = gateway.address.parse().map_err(|_| ConfigError::TextGateway)?;
        let near = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let good = match address.scheme() {
            "https" => address.has_host(),
            "http" => near,
            _ => false,
        };
        if !good || !address.username().is_empty() || address.password().is_some() {
            return Err(ConfigError::TextGateway);
        }
        // Another part of the program may have installed it already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .timeout(within)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("billfold-server/", env!("CARGO_PKG_VERSION")));
        // A gateway on this machine needs no certificates.
        let builder = if near { builder.no_proxy().tls_certs_only([]) } else { builder };
        let http = builder.build().map_err(|_| ConfigError::TextGateway)?;
        Ok(Self { address, token: gateway.token.clone(), http })
    }
}

impl Carrier for Gateway {
    fn carry(&self, letter: Letter) -> BoxFuture<'_, Result<(), NotCarried>> {
        Box::pin(async move {
            let body = serde_json::json!({"id": letter.id, "to": letter.to.text(), "text": letter.text});
            let request = self.http.post(self.address.clone()).header("Idempotency-Key", letter.id.to_string());
            let request = match &self.token {
                Some(token) => request.bearer_auth(token.expose()),
                None => request,
            };
            let answer = request.json(&body).send().await.map_err(|_| NotCarried::Later)?;
            match answer.status().as_u16() {
                200..=299 => Ok(()),
                408 | 429 | 500.. => Err(NotCarried::Later),
                _ => Err(NotCarried::Never),
            }
        })
    }
}

#[cfg(any(test, feature = "testing"))]
pub mod captured {
    //! A carrier that keeps what it is given, for tests.

    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::{BoxFuture, Carrier, Letter, NotCarried};

    #[derive(Default)]
    pub struct Captured {
        letters: Mutex<Vec<Letter>>,
        refusal: Mutex<Option<NotCarried>>,
    }

    impl Captured {
        fn lock(&self) -> MutexGuard<'_, Vec<Letter>> {
            self.letters.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// What came since the last look.
        pub fn take(&self) -> Vec<Letter> {
            std::mem::take(&mut self.lock())
        }

        /// The eight digits of the newest message that has some; older messages with a code go with it, others stay.
        #[track_caller]
        pub fn last_code(&self) -> String {
            let mut letters = self.lock();
            let newest = letters.iter().rev().find_map(code).expect("a code of eight digits came");
            letters.retain(|letter| code(letter).is_none());
            newest
        }

        /// From now on messages are refused so, or taken again.
        pub fn refuse(&self, how: Option<NotCarried>) {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = how;
        }
    }

    fn code(letter: &Letter) -> Option<String> {
        let digits: Vec<char> = letter.text.chars().filter(|c| !c.is_whitespace()).collect();
        digits.windows(8).find(|window| window.iter().all(char::is_ascii_digit)).map(|window| window.iter().collect())
    }

    impl Carrier for Captured {
        fn carry(&self, letter: Letter) -> BoxFuture<'_, Result<(), NotCarried>> {
            Box::pin(async move {
                if let Some(refusal) = *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) {
                    return Err(refusal);
                }
                self.lock().push(letter);
                Ok(())
            })
        }
    }
}

//! Sign-in: code grant through the system browser, back over a loopback listener; or a local account without a browser.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::sign_in::{
    CALLBACK_PATH, CLIENT_ID, PushedRequest, PushedResponse, REVOKE_PATH, SCOPE, TOKEN_PATH, TokenRequest,
    TokenResponse,
};
use data_encoding::BASE64URL_NOPAD;
use domain::ids::HolderId;
use domain::ids::MutationId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::cache;
use crate::client::{Changed, Client, Open, blocking};
use crate::error::{Class, ClientError};
use crate::http::{CallError, DeviceKey, Metadata, Method, Sending};
use crate::platform::{Language, Secret, SecretKind, random};
use crate::risk::CoarsePlaceView;
use crate::status::{Place, Protection};
use crate::vault::{Protect, RecoveryKey};

/// What the screen shows while the browser is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SignInStarted {
    /// Two digits that the server's page must show too.
    pub match_code: String,
    /// To open by hand when no browser came up.
    pub address: String,
    pub browser_opened: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct DeviceView {
    pub id: String,
    pub name: String,
    pub last_seen_at: String,
    pub this_one: bool,
    /// Where it was last seen, where the server knows places.
    pub place: Option<CoarsePlaceView>,
}

/// The person has so long in the browser.
const BROWSER_WITHIN: Duration = Duration::from_secs(300);
/// A lock does not wait longer for the server.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// A session that nobody keeps is ended at its server in so many tries, this long after each other.
const GIVE_BACK_TRIES: u32 = 3;
const GIVE_BACK_AGAIN_AFTER: Duration = Duration::from_millis(500);
const HEAD_WITHIN: Duration = Duration::from_secs(5);
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Connections to the loopback port that are not the answer, before it closes.
const STRAYS_MAX: usize = 64;
const DEVICE_NAME_CHARS_MAX: usize = 80;

/// What the browser shows at the end of a sign-in.
fn answer_page(language: Language) -> String {
    let words = match language {
        Language::En => "You can close this page and go back to Billfold.",
        Language::Es => "Puedes cerrar esta página y volver a Billfold.",
        Language::De => "Sie können diese Seite schließen und zu Billfold zurückkehren.",
    };
    let language = language.as_str();
    format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Billfold</title>\
         <main><h1>Billfold</h1><p>{words}</p></main></html>"
    )
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("no port of this computer could be opened for the browser to come back to")]
    PortRefused,
    #[error("nothing came back from the browser within five minutes")]
    TimedOut,
    #[error("the sign-in was cancelled")]
    Cancelled,
    #[error("another sign-in was begun instead")]
    Replaced,
    #[error("the server did not confirm the sign-in")]
    Refused,
    #[error("no sign-in was started")]
    NotStarted,
    #[error("this data folder belongs to another account")]
    OtherAccount,
    #[error("the server could not be told that this sign-in came to nothing")]
    SessionLeft,
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<SignInError> for ClientError {
    fn from(error: SignInError) -> Self {
        let message = error.to_string();
        let make = |class, code, next| Self::new(class, code, message.clone(), next);
        match error {
            SignInError::PortRefused => make(
                Class::Refused,
                "port_refused",
                "allow Billfold to open a port on 127.0.0.1 (firewall or sandbox), then try again",
            ),
            SignInError::TimedOut => make(Class::NotOpen, "sign_in_timed_out", "start the sign-in again"),
            SignInError::Cancelled => make(Class::NotOpen, "sign_in_cancelled", "start it again when you like"),
            SignInError::Replaced => make(Class::NotOpen, REPLACED, "go on with the newer one"),
            SignInError::SessionLeft => make(
                Class::Refused,
                "session_left",
                "sign this computer out on another device of that account: it stands in its list of devices",
            ),
            SignInError::Refused => make(Class::NotOpen, "sign_in_refused", "start the sign-in again"),
            SignInError::NotStarted => make(Class::Refused, "sign_in_not_started", "start the sign-in again"),
            SignInError::OtherAccount => {
                make(Class::Refused, "already_set_up", "sign out first, or choose another data folder")
            }
            SignInError::Call(error) => error.into(),
        }
    }
}

/// Sign-in at an account server.
#[derive(Clone, Debug)]
pub struct Connect {
    pub url: String,
    /// Opens the page for a new account.
    pub create: bool,
    pub open_browser: bool,
    /// How the keys are kept, when this folder has none yet.
    pub protect: Protect,
    /// What the confirm page and the list of devices show.
    pub device_name: String,
}

/// What an embedded server needs to make an account without a browser.
#[derive(Clone, Debug)]
pub struct LocalRequest {
    /// The account that this computer has already; `None` makes one.
    pub holder: Option<HolderId>,
    pub device_name: String,
    pub dpop_jkt: String,
    pub code_challenge: String,
    pub redirect_uri: String,
}

/// A sign-in whose answer is awaited.
pub(crate) struct Waiting {
    listener: TcpListener,
    metadata: Metadata,
    redirect_uri: String,
    state: String,
    verifier: Zeroizing<String>,
    key: DeviceKey,
    place: Place,
    protect: Protect,
    language: Language,
    cancelled: Arc<Cancel>,
}

/// Ends the wait for the browser.
#[derive(Default)]
pub(crate) struct Cancel {
    told: Notify,
    /// For another sign-in, which goes on in its place.
    replaced: AtomicBool,
}

/// The code of a sign-in that ends because another one was begun: nobody needs to hear of it.
pub const REPLACED: &str = "sign_in_replaced";

#[derive(Clone)]
pub struct SignIn(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn sign_in(&self) -> SignIn {
        SignIn(self.clone())
    }
}

impl SignIn {
    /// Asks the server for a sign-in and opens the browser. `finish` waits for its end.
    pub async fn begin(&self, wish: Connect) -> Result<SignInStarted, ClientError> {
        let origin = wish.url.trim().trim_end_matches('/').to_owned();
        crate::http::check_origin(&origin)?;
        if self.0.place()? == Some(Place::ThisComputer) && !self.0.is_unfinished()? {
            // Said before the browser opens: an account of this computer does not become another one's by signing in.
            return Err(SignInError::OtherAccount.into());
        }
        let place = Place::Server { name: host_of(&origin), url: origin.clone() };
        self.start(origin, place, wish, None).await
    }

    /// The same at the embedded server, which must run. The page for the new account begins with this name.
    pub async fn begin_here(&self, name: &str, device_name: &str) -> Result<SignInStarted, ClientError> {
        let open = self.0.open_now()?;
        let origin = self.0.origin(&open).ok_or(CallError::Unreachable)?;
        let wish = Connect {
            url: origin.clone(),
            create: open.vault().header().holder().is_none(),
            open_browser: true,
            protect: Protect::Keyring,
            device_name: device_name.to_owned(),
        };
        self.start(origin, Place::ThisComputer, wish, Some(name)).await
    }

    async fn start(
        &self,
        origin: String,
        place: Place,
        wish: Connect,
        name: Option<&str>,
    ) -> Result<SignInStarted, ClientError> {
        self.give_up(true).await;
        self.0.make_room().await?;
        if self.0.phase() == crate::status::Phase::Locked {
            return Err(ClientError::locked());
        }
        let kept = self.0.opened().is_some_and(|open| open.vault().header().mode() != Protection::Memory);
        if kept && matches!(wish.protect, Protect::Memory) {
            // What is kept here already does not become a visitor's by signing in again.
            return Err(SignInError::OtherAccount.into());
        }
        // The port is ours before any browser knows of it.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|_| SignInError::PortRefused)?;
        let port = listener.local_addr().map_err(|_| SignInError::PortRefused)?.port();
        let metadata = self.0.0.http.metadata(&origin).await.map_err(SignInError::from)?;
        let chance = self.0.0.ports.chance.as_ref();
        let verifier = Zeroizing::new(BASE64URL_NOPAD.encode(&random::<32>(chance)));
        let state = BASE64URL_NOPAD.encode(&random::<16>(chance));
        let key = self.device_key().await?;
        let match_code = format!("{:02}", u16::from_le_bytes(random::<2>(chance)) % 100);
        let redirect_uri = format!("http://127.0.0.1:{port}{CALLBACK_PATH}");
        let pushed = PushedRequest {
            response_type: "code".to_owned(),
            client_id: CLIENT_ID.to_owned(),
            redirect_uri: redirect_uri.clone(),
            scope: SCOPE.to_owned(),
            state: state.clone(),
            code_challenge: challenge(&verifier),
            code_challenge_method: "S256".to_owned(),
            dpop_jkt: key.thumbprint(),
            device_name: shown_name(&wish.device_name),
            match_code: match_code.clone(),
            prompt: wish.create.then(|| "create".to_owned()),
            login_hint: name.map(shown_name),
            ui_locales: Some(self.0.0.ports.language.now().as_str().to_owned()),
        };
        let endpoint = &metadata.pushed_authorization_request_endpoint;
        let answer: PushedResponse = self.0.push(endpoint, &pushed, &key).await.map_err(SignInError::from)?;
        let address = address_of(&metadata.authorization_endpoint, &answer.request_uri)?;
        *self.0.0.signing.lock().await = Some(Waiting {
            listener,
            metadata,
            redirect_uri,
            state,
            verifier,
            key,
            place,
            protect: wish.protect,
            language: self.0.0.ports.language.now(),
            cancelled: Arc::default(),
        });
        let browser = Arc::clone(&self.0.0.ports.browser);
        let opening = address.clone();
        let browser_opened = wish.open_browser && blocking(move || browser.open(&opening)).await?;
        Ok(SignInStarted { match_code, address, browser_opened })
    }

    /// Waits for the browser, redeems its code and opens the account. Gives the recovery key when keys were made.
    pub async fn finish(&self) -> Result<Option<RecoveryKey>, ClientError> {
        let mut waiting = self.0.0.signing.lock().await.take().ok_or(SignInError::NotStarted)?;
        let cancelled = Arc::clone(&waiting.cancelled);
        *crate::client::lock(&self.0.0.cancelling) = Some(Arc::clone(&cancelled));
        let answered = tokio::select! {
            code = tokio::time::timeout(BROWSER_WITHIN, await_answer(&mut waiting)) => {
                code.unwrap_or(Err(SignInError::TimedOut))
            }
            () = cancelled.told.notified() => {
                let replaced = cancelled.replaced.load(Ordering::SeqCst);
                Err(if replaced { SignInError::Replaced } else { SignInError::Cancelled })
            }
        };
        // A newer one may wait there by now.
        crate::client::lock(&self.0.0.cancelling).take_if(|waits| Arc::ptr_eq(waits, &cancelled));
        let code = answered?;
        let Waiting { metadata, redirect_uri, verifier, key, place, protect, .. } = waiting;
        let request = TokenRequest::AuthorizationCode {
            code: code.as_str().to_owned(),
            redirect_uri,
            code_verifier: verifier.as_str().to_owned(),
            client_id: CLIENT_ID.to_owned(),
        };
        let tokens = self.redeem(&metadata.token_endpoint, &request, &key).await?;
        let holder = tokens.holder;
        let refresh = Secret::new(tokens.refresh_token.clone().into_bytes());
        let ends = DeviceKey::read(key.secret().clone()).map_err(CallError::from)?;
        let taken = self.take_in(place, protect, tokens, key).await;
        let stays = || self.0.opened().is_some_and(|open| open.vault().header().holder() == Some(holder));
        match taken {
            Err(error) if !stays() => {
                let origin = metadata.issuer.trim_end_matches('/');
                Err(if self.give_back(origin, &refresh, &ends).await { error } else { SignInError::SessionLeft.into() })
            }
            taken => taken,
        }
    }

    /// Makes what is signed in to the account of this folder. Gives the recovery key of keys that were made for it.
    async fn take_in(
        &self,
        place: Place,
        protect: Protect,
        tokens: TokenResponse,
        key: DeviceKey,
    ) -> Result<Option<RecoveryKey>, ClientError> {
        let mut recovery = None;
        // Of keys that were made before, for a sign-in that never ended, nobody has seen the recovery key.
        if self.0.opened().is_none() || self.0.is_unfinished()? {
            let kept = !matches!(protect, Protect::Memory);
            let made = self.0.create(protect, place.clone()).await?;
            // There is nothing that the key of keys in memory could bring back.
            recovery = kept.then_some(made);
        }
        self.settle(place, tokens, key).await?;
        Ok(recovery)
    }

    /// Gives up a sign-in that was begun.
    pub async fn cancel(&self) {
        self.give_up(false).await;
    }

    async fn give_up(&self, replaced: bool) {
        let waiting = self.0.0.signing.lock().await.take().map(|waiting| waiting.cancelled);
        let running = crate::client::lock(&self.0.0.cancelling).take();
        for cancel in waiting.into_iter().chain(running) {
            cancel.replaced.store(replaced, Ordering::SeqCst);
            cancel.told.notify_one();
        }
    }

    /// Ends a session that nobody keeps; false when its server could not be told.
    async fn give_back(&self, origin: &str, refresh: &Secret, key: &DeviceKey) -> bool {
        for tried in 1..=GIVE_BACK_TRIES {
            let telling = self.0.revoke_at(origin, refresh, key);
            if tokio::time::timeout(LEAVE_WITHIN, telling).await == Ok(true) {
                return true;
            }
            if tried < GIVE_BACK_TRIES {
                tokio::time::sleep(GIVE_BACK_AGAIN_AFTER).await;
            }
        }
        false
    }

    /// An account of the embedded server without a browser: `grant` asks the server, in process, for a one-time code,
    /// which is redeemed at the ordinary token endpoint.
    pub async fn local<E: From<ClientError>>(
        &self,
        device_name: &str,
        grant: impl AsyncFnOnce(LocalRequest) -> Result<String, E>,
    ) -> Result<(), E> {
        let open = self.0.open_now()?;
        let origin = self.0.origin(&open).ok_or(CallError::Unreachable).map_err(ClientError::from)?;
        let verifier = Zeroizing::new(BASE64URL_NOPAD.encode(&random::<32>(self.0.0.ports.chance.as_ref())));
        let key = self.device_key().await?;
        // Nothing listens there: the code comes back in process.
        let redirect_uri = format!("http://127.0.0.1:1{CALLBACK_PATH}");
        let holder = open.vault().header().holder();
        let code = grant(LocalRequest {
            holder,
            device_name: shown_name(device_name),
            dpop_jkt: key.thumbprint(),
            code_challenge: challenge(&verifier),
            redirect_uri: redirect_uri.clone(),
        })
        .await?;
        let request = TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier: verifier.as_str().to_owned(),
            client_id: CLIENT_ID.to_owned(),
        };
        let tokens = self.redeem(&format!("{origin}{TOKEN_PATH}"), &request, &key).await?;
        self.settle(Place::ThisComputer, tokens, key).await?;
        Ok(())
    }

    async fn redeem(
        &self,
        endpoint: &str,
        request: &TokenRequest,
        key: &DeviceKey,
    ) -> Result<TokenResponse, ClientError> {
        match self.0.ask_for_tokens(endpoint, request, key).await {
            Err(CallError::NotSignedIn) => Err(SignInError::Refused.into()),
            other => Ok(other.map_err(SignInError::from)?),
        }
    }

    /// Keeps the tokens and learns who is signed in.
    async fn settle(&self, mut place: Place, tokens: TokenResponse, key: DeviceKey) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let holder = tokens.holder;
        let before = open.vault().header().holder();
        if before.is_some_and(|before| before != holder) {
            return Err(SignInError::OtherAccount.into());
        }
        self.0.keep_tokens(&open, tokens, key).await?;
        open.vault().settle(place.clone(), Some(holder))?;
        self.0.set_online(true);
        self.0.tell(Changed::Status);
        // Signed in either way; the first sync asks again.
        if let Ok(me) = self.0.sync().read_me(&open).await
            && let Place::Server { name, .. } = &mut place
        {
            *name = me.server_name;
            open.vault().settle(place, Some(holder))?;
        }
        self.0.0.wake.notify_one();
        Ok(())
    }

    /// The key of this installation: the one it has, else a new one.
    async fn device_key(&self) -> Result<DeviceKey, ClientError> {
        if let Some(open) = self.0.opened()
            && let Some(kept) = self.0.secret(&open, SecretKind::Device).await?
        {
            return Ok(DeviceKey::read(kept)?);
        }
        Ok(DeviceKey::make()?)
    }
}

impl Client {
    pub(crate) async fn is_signed_in(&self, open: &Arc<Open>) -> Result<bool, ClientError> {
        if open.tokens.lock().await.is_some() {
            return Ok(true);
        }
        Ok(self.secret(open, SecretKind::RefreshToken).await?.is_some())
    }

    /// Ends the session at the server if it can be reached, then removes this account from this computer. Changes that
    /// the server does not have are sent first; while some cannot be, nothing is removed, unless the person gives them up.
    pub async fn sign_out(&self, discard: bool) -> Result<(), ClientError> {
        let open = self.open_now()?;
        if *open.vault().header().place() == Place::ThisComputer {
            return Err(ClientError::refused(
                "lives_here",
                "this account lives on this computer alone; signing out would remove it",
                "lock Billfold instead; to remove the account for good, delete the data folder",
            ));
        }
        self.sync().soon().await;
        let waiting = self.with(async |open| cache::outbox::count(open.cache.readers()).await).await?;
        if waiting > 0 && !discard {
            return Err(ClientError::refused(
                "changes_waiting",
                "some changes were not sent yet and would be lost",
                "connect to the server and sync, then sign out; or give them up: `billfold sign-out --discard`",
            ));
        }
        let refresh = self.secret(&open, SecretKind::RefreshToken).await?;
        if let Some(refresh) = refresh {
            self.revoke(&open, &refresh).await;
        }
        drop(open);
        self.wipe().await
    }

    /// Ends a session of which nothing is kept here: what waits is sent, and the server ends its tokens, if it answers at
    /// once. Otherwise they end by themselves; the key that they need is gone in a moment.
    pub(crate) async fn leave(&self, open: &Arc<Open>) {
        let leaving = async {
            if let Err(error) = self.sync().now().await {
                tracing::info!(code = error.code, "what waits may be lost");
            }
            if let Ok(Some(refresh)) = self.secret(open, SecretKind::RefreshToken).await {
                self.revoke(open, &refresh).await;
            }
        };
        if tokio::time::timeout(LEAVE_WITHIN, leaving).await.is_err() {
            tracing::info!("the server may not know that the session ended");
        }
    }

    async fn revoke(&self, open: &Open, refresh: &Secret) {
        let Some(origin) = self.origin(open) else { return };
        let Ok(key) = self.sign_in().device_key().await else { return };
        // Offline the token ends by itself; the key that it needs is gone in a moment.
        if !self.revoke_at(&origin, refresh, &key).await {
            tracing::info!("the server may not know of the sign-out");
        }
    }

    /// True when the server knows that the session ended.
    async fn revoke_at(&self, origin: &str, refresh: &Secret, key: &DeviceKey) -> bool {
        #[derive(Serialize)]
        struct Revoke<'a> {
            token: &'a str,
            client_id: &'a str,
        }
        let Ok(token) = std::str::from_utf8(refresh.expose()) else { return false };
        let form = Revoke { token, client_id: CLIENT_ID };
        let url = format!("{origin}{REVOKE_PATH}");
        self.tell_server(&url, &form, key).await.is_ok()
    }

    /// The devices that are signed in to this account.
    pub async fn devices(&self) -> Result<Vec<DeviceView>, ClientError> {
        let list = self.security().list_devices().await?;
        let views = list.items.into_iter().map(|device| DeviceView {
            id: device.id.to_string(),
            name: device.name,
            last_seen_at: device.last_seen_at.to_string(),
            this_one: device.this_one,
            place: device.place.map(Into::into),
        });
        Ok(views.collect())
    }

    /// Signs another device out: its tokens end at once.
    pub async fn device_sign_out(&self, id: &str) -> Result<(), ClientError> {
        let id: domain::ids::DeviceId = id.parse().map_err(|_| ClientError::not_found("device"))?;
        let sending = Sending { idempotency: Some(self.fresh(MutationId::new)), ..Sending::default() };
        self.call(Method::Delete, &format!("/api/v1/devices/{id}"), sending).await?;
        Ok(())
    }
}

fn challenge(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(verifier))
}

fn shown_name(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !c.is_control()).take(DEVICE_NAME_CHARS_MAX).collect();
    if clean.trim().is_empty() { "Computer".to_owned() } else { clean.trim().to_owned() }
}

fn host_of(origin: &str) -> String {
    let url = reqwest::Url::parse(origin).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn address_of(endpoint: &str, request_uri: &str) -> Result<String, ClientError> {
    let mut url = reqwest::Url::parse(endpoint).map_err(|_| CallError::NotAServer)?;
    url.query_pairs_mut().append_pair("client_id", CLIENT_ID).append_pair("request_uri", request_uri);
    Ok(url.into())
}

/// Takes connections until one is the answer. What else comes is turned away and not logged.
async fn await_answer(waiting: &mut Waiting) -> Result<Zeroizing<String>, SignInError> {
    let host = waiting.redirect_uri.trim_start_matches("http://").trim_end_matches(CALLBACK_PATH).to_owned();
    for _ in 0..STRAYS_MAX {
        let (mut stream, _) = waiting.listener.accept().await.map_err(|_| SignInError::PortRefused)?;
        let Ok(Some(head)) = tokio::time::timeout(HEAD_WITHIN, read_head(&mut stream)).await else { continue };
        let Some(answer) = read_answer(&head, &host, waiting) else {
            reply(&mut stream, "404 Not Found", "").await;
            continue;
        };
        reply(&mut stream, "200 OK", &answer_page(waiting.language)).await;
        return answer;
    }
    Err(SignInError::Refused)
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&part[..read]);
        if head.len() > HEAD_BYTES_MAX {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

/// `None`: not our answer. An answer must come to our path and host, with our state and the server's name (RFC 9207).
fn read_answer(head: &str, host: &str, waiting: &Waiting) -> Option<Result<Zeroizing<String>, SignInError>> {
    let mut lines = head.split("\r\n");
    let target = lines.next()?.strip_prefix("GET ")?.split(' ').next()?;
    let hosts: Vec<&str> = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim())
        .collect();
    if hosts != [host] || !target.starts_with(&format!("{CALLBACK_PATH}?")) {
        return None;
    }
    let url = reqwest::Url::parse(&format!("http://{host}{target}")).ok()?;
    let field = |name: &str| {
        let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        found.next().filter(|_| found.next().is_none())
    };
    if !same(&field("state")?, &waiting.state) || field("iss")? != waiting.metadata.issuer {
        return None;
    }
    if let Some(error) = field("error") {
        let cancelled = error == "access_denied";
        return Some(Err(if cancelled { SignInError::Cancelled } else { SignInError::Refused }));
    }
    Some(Ok(Zeroizing::new(field("code")?)))
}

/// In constant time: compares what both hash to.
fn same(left: &str, right: &str) -> bool {
    let pairs = Sha256::digest(left).into_iter().zip(Sha256::digest(right));
    pairs.fold(0, |differ, (left, right)| differ | (left ^ right)) == 0
}

async fn reply(stream: &mut TcpStream, status: &str, page: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n\
         Connection: close\r\n\r\n{page}",
        page.len()
    );
    // A browser that left does not matter: its answer is here.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

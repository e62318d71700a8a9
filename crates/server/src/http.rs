//! How requests arrive and answers leave: the listener, the limits on connections, bodies and time, request ids, what
//! every answer carries, and refusals of malformed requests as problem details. Features add routes, not layers.

use std::error::Error as _;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use api::error::ErrorCode;
use axum::Router;
use axum::body::{Bytes, HttpBody};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::money::MoneyError;
use futures_util::FutureExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate, SizeAbove};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::audit::heads::{self, Heads};
use crate::config::{self, Config, ConfigError, PublicUrl};
use crate::db::Db;
use crate::error::ApiError;
use crate::jobs::Queue;
use crate::limits::Connections;
use crate::{App, proxies, sign_in};

/// Bytes of a request body, unpacked; a route that needs more says so with its own `DefaultBodyLimit`.
pub const BODY_MAX: usize = 1024 * 1024;
/// Until then an answer has begun, or the caller is told to come back.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Until then a request's body has arrived.
const BODY_WITHIN: Duration = Duration::from_secs(25);
const PATIENCE: Patience =
    Patience { head: Duration::from_secs(10), idle: Duration::from_secs(75), leave: Duration::from_secs(5) };
/// How often a peer with an open request is asked whether it is there, and until when it answers.
const ALIVE_EVERY: Duration = Duration::from_secs(20);
const CONNECTIONS_MAX: usize = 10_000;
/// Of one network; this machine and listed proxies speak for many.
const CONNECTIONS_OF_NETWORK: usize = 500;
/// A smaller answer fits one packet anyway, and packing it costs more than sending it.
const PACKED_FROM: u64 = 1_200;
/// Two years.
const HSTS: &str = "max-age=63072000";
const HSTS_SUBDOMAINS: &str = "max-age=63072000; includeSubDomains";
/// How long a stopping server waits for requests that have begun.
const DRAIN: Duration = Duration::from_secs(10);
/// Until then everything else of it has ended, too, or is broken off.
const END_WITHIN: Duration = Duration::from_secs(15);
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// How often what has expired is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// How long a connection may ask nothing.
#[derive(Clone, Copy)]
struct Patience {
    /// Until then the head of a request has arrived; on a new connection, of the first.
    head: Duration,
    /// Between the end of an answer and the next request.
    idle: Duration,
    /// From being asked to leave until it is closed.
    leave: Duration,
}

// ---- starting and stopping ---------------------------------------------------------------------------------------

/// Starts servers; the running one is `Running`.
pub struct Server;

impl Server {
    pub async fn start(config: Config) -> Result<Running, ConfigError> {
        let listener = TcpListener::bind(config.listen).await.map_err(ConfigError::Listen)?;
        let addr = listener.local_addr().map_err(ConfigError::Listen)?;
        let settings = config.settings(addr)?;
        let claimed = config::claim(&config.location)?;
        let db = Db::open(&config.location).await?;
        let app = App::new(db, config.clock, config.chance, settings).await?;
        app.rails.demand_all_in_use(&app.db).await?;
        let noted = app.settings.audit_head.as_deref().map(Heads::open).transpose()?;
        let mut tasks = vec![
            begin_part(&app, "listener", listen(listener, crate::router(app.clone()), app.clone())),
            begin_part(&app, "sweep", sweep(app.clone())),
            begin_part(&app, "audit", crate::audit::run_hourly(app.clone())),
            begin_part(&app, "jobs", crate::jobs::run(app.clone(), Queue::Work)),
            begin_part(&app, "mail", crate::jobs::run(app.clone(), Queue::Mail)),
            begin_part(&app, "rails", crate::payments::rails::run(app.clone())),
        ];
        tasks.extend(noted.map(|noted| begin_part(&app, "heads", heads::keep(app.clone(), noted))));
        Ok(Running { addr, public_url: app.settings.public_url.clone(), app, tasks, _claimed: claimed })
    }
}

/// Begins what runs until the server ends. Where it ends before, the server is ready no more.
fn begin_part(app: &App, name: &'static str, part: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let app = app.clone();
    tokio::spawn(async move {
        let ended = AssertUnwindSafe(part).catch_unwind().await;
        if ended.is_err() || !app.ending.is_cancelled() {
            tracing::error!(part = name, "a part of the server has ended; start it anew");
            app.health.note_part_ended();
        }
    })
}

/// A server that listens. Dropping it leaves it running; `shutdown` ends it.
pub struct Running {
    pub addr: SocketAddr,
    pub public_url: PublicUrl,
    /// For what the embedding program does in process.
    pub app: App,
    tasks: Vec<JoinHandle<()>>,
    /// Released last: whoever serves the same file next finds it closed.
    _claimed: Option<File>,
}

impl Running {
    /// Takes no more connections, lets begun requests end, closes the database. What hangs is broken off, which does no
    /// more than a crash would.
    pub async fn shutdown(self) {
        self.app.ending.cancel();
        let until = tokio::time::Instant::now() + END_WITHIN;
        for mut task in self.tasks {
            match tokio::time::timeout_at(until, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => tracing::error!("a background task had panicked"),
                Err(_) => {
                    tracing::warn!("a background task did not end in time");
                    task.abort();
                }
            }
        }
        if tokio::time::timeout(CLOSE_WITHIN, self.app.db.close()).await.is_err() {
            tracing::warn!("the database is closed when whoever still uses it has ended");
        }
    }
}

async fn listen(listener: TcpListener, router: Router, app: App) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let networks = Connections::new(CONNECTIONS_OF_NETWORK);
    let drain = GracefulShutdown::new();
    loop {
        // Closing the semaphore never happens: it lives as long as this task.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.ending.cancelled() => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: others have to end first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let ip = peer.ip().to_canonical();
        let for_many = ip.is_loopback() || proxies::is_listed(&app.settings.trusted_proxies, ip);
        let of_network = if for_many { None } else { networks.enter(ip) };
        if !for_many && of_network.is_none() {
            continue;
        }
        // Held until the connection ends, which is what the drain waits for.
        let held = (place, of_network, drain.watcher());
        let (router, ending) = (router.clone(), app.ending.clone());
        tokio::spawn(async move {
            serve_connection(stream, peer, router, ending, PATIENCE).await;
            drop(held);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, drain.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    ending: CancellationToken,
    patience: Patience,
) {
    // Small answers leave at once.
    let _ = stream.set_nodelay(true);
    let traffic = Traffic::default();
    let idle = traffic.clone().idle(patience);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let begun = traffic.begin();
        let answer = tower::ServiceExt::oneshot(router.clone(), request.map(axum::body::Body::new));
        async move {
            let response = answer.await?;
            Ok::<_, std::convert::Infallible>(response.map(|body| UnderWay { body, _begun: begun }))
        }
    });
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.head);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(ALIVE_EVERY).keep_alive_timeout(ALIVE_EVERY);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // A connection that breaks concerns its client alone.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = idle => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(patience.leave, connection).await;
            return;
        }
        () = ending.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(DRAIN, connection).await;
}

/// What is asked on one connection: how many requests have no whole answer yet, and how many there were.
#[derive(Clone)]
struct Traffic(watch::Sender<(usize, u64)>);

impl Default for Traffic {
    fn default() -> Self {
        Self(watch::Sender::new((0, 0)))
    }
}

/// One request, until its answer has left.
struct Begun(Traffic);

impl Traffic {
    fn begin(&self) -> Begun {
        self.0.send_modify(|(open, all)| (*open, *all) = (*open + 1, *all + 1));
        Begun(self.clone())
    }

    /// Waits until nothing was asked for too long.
    async fn idle(self, patience: Patience) {
        let mut seen = self.0.subscribe();
        // The sender lives in here: waiting for it ends only as it should.
        while let Ok(all) = seen.wait_for(|(open, _)| *open == 0).await.map(|now| now.1) {
            let within = if all == 0 { patience.head } else { patience.idle };
            if tokio::time::timeout(within, seen.wait_for(|now| now.1 != all)).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.send_modify(|(open, _)| *open -= 1);
    }
}

/// An answer's body, whose request is under way until the last of it has left.
struct UnderWay {
    body: axum::body::Body,
    _begun: Begun,
}

impl HttpBody for UnderWay {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

async fn sweep(app: App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = app.ending.cancelled() => return,
        }
        let swept = [
            sign_in::sweep(&app).await,
            crate::idempotency::sweep(&app).await,
            crate::purchases::sweep(&app).await,
            crate::card::credit::sweep(&app).await,
            crate::feed::sweep(&app).await,
            crate::risk::sweep(&app).await,
            crate::mail::sweep(&app).await,
            crate::addresses::sweep(&app).await,
            crate::support::sweep(&app).await,
            crate::notices::sweep(&app).await,
            crate::jobs::sweep(&app).await,
        ];
        for swept in swept {
            if let Err(error) = swept {
                tracing::warn!(kind = error.kind(), "expired rows stay for now");
            }
        }
    }
}

// ---- what every request passes -----------------------------------------------------------------------------------

tokio::task_local! {
    static REQUEST_ID: String;
}

/// Names the current request in the log and in a problem's body.
#[must_use]
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok()
}

/// Answers of the API are packed with zstd for those who ask; event streams, PDF and archives are left alone.
pub(crate) fn compressed(routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let packs = DefaultPredicate::new()
        .and(SizeAbove::new(PACKED_FROM))
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/zip"));
    routes.layer(CompressionLayer::new().compress_when(packs))
}

pub(crate) fn dressed(router: Router<App>, app: App) -> Router {
    router
        .fallback(async || nothing_here())
        .method_not_allowed_fallback(async || {
            (StatusCode::METHOD_NOT_ALLOWED, ApiError::new(ErrorCode::InvalidRequest, "not this method"))
                .into_response()
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(RequestDecompressionLayer::new())
        .layer(RequestBodyDeadlineLayer::new(BODY_WITHIN))
        .layer(axum::middleware::from_fn_with_state(app.clone(), attend))
        .with_state(app)
}

/// What any address answers that leads nowhere: a secret that is none looks the same.
pub(crate) fn nothing_here() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is nothing at this address")
}

/// Runs the handler in a task of its own, so that a client who leaves never stops a write half-way.
async fn attend(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = data_encoding::HEXLOWER.encode(&app.random::<8>());
    let began = tokio::time::Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let nonce_wanted = ["/api/", "/oauth/", "/merchant/"].iter().any(|begin| route.starts_with(begin));
    let misdirected = !host_is_ours(&app, &request);
    let mut response = if request.uri().path_and_query().is_some_and(|all| all.as_str().contains("%00")) {
        // As in a JSON body.
        ApiError::new(ErrorCode::InvalidRequest, "the address has a character that no text has").into_response()
    } else if misdirected {
        (StatusCode::MISDIRECTED_REQUEST, ApiError::new(ErrorCode::InvalidRequest, "this host is not served here"))
            .into_response()
    } else if let Some(place) = app.load.enter(is_reserved(&route)) {
        // The place is given back when the work is done, also when nobody waits for it any more.
        let work = async move {
            let response = next.run(request).await;
            drop(place);
            response
        };
        let task = tokio::spawn(REQUEST_ID.scope(id.clone(), work));
        match tokio::time::timeout(ANSWER_WITHIN, task).await {
            Ok(Ok(response)) => response,
            Ok(Err(_panicked)) => ApiError::new(ErrorCode::Internal, "the server failed").into_response(),
            Err(_late) => ApiError::new(ErrorCode::Unavailable, "this took too long").into_response(),
        }
    } else {
        let mut busy = ApiError::new(ErrorCode::Unavailable, "the server is busy");
        busy.retry_after = Some(1);
        busy.into_response()
    };
    add_headers(&mut response, &app, &id, nonce_wanted);
    let status = response.status().as_u16();
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(%method, route, status, took_ms, id, "answered");
    response
}

/// Signing in, and asking whether the server lives, are not kept out by work.
fn is_reserved(route: &str) -> bool {
    ["/live", "/ready", "/oauth/", "/sign-in", "/.well-known/"].iter().any(|start| route.starts_with(start))
}

/// A page elsewhere whose name was pointed at this machine must not reach a server that listens on loopback.
fn host_is_ours(app: &App, request: &Request) -> bool {
    if !app.settings.public_url.is_localhost() {
        return true;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().host());
    let Some(host) = host else { return true };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn add_headers(response: &mut Response, app: &App, id: &str, nonce: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // No other site learns an address of ours. Without any referrer a browser would also hide a form's own origin.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if !app.settings.public_url.is_localhost() {
        let policy = if app.settings.hsts_subdomains { HSTS_SUBDOMAINS } else { HSTS };
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(policy));
    }
    if nonce
        && let Ok(nonce) = HeaderValue::from_str(&app.identity.nonces.current(app.clock.now(), app.chance.as_ref()))
    {
        headers.insert(HeaderName::from_static("dpop-nonce"), nonce);
    }
}

// ---- reading requests --------------------------------------------------------------------------------------------

/// A JSON body; what does not read is refused as problem details. So is a text with the character of number zero, which no
/// text of a person has and PostgreSQL cannot keep.
pub struct Json<T>(pub T);

impl<T: serde::de::DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let whole = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
        let whole = whole.map_err(|rejection| ApiError::from(JsonRejection::from(rejection)))?;
        if says_nul(&whole) {
            return Err(ApiError::new(ErrorCode::InvalidRequest, "a text has a character that no text has"));
        }
        let again = Request::from_parts(parts, axum::body::Body::from(whole));
        let axum::Json(read) = axum::Json::from_request(again, state).await?;
        Ok(Self(read))
    }
}

/// Whether `\u0000` stands in it as an escape, not behind a backslash that is escaped itself.
fn says_nul(json: &[u8]) -> bool {
    let backslashes_before = |at: usize| json[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    json.windows(6).enumerate().any(|(at, six)| six == b"\\u0000" && backslashes_before(at).is_multiple_of(2))
}

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub struct Path<T>(pub T);

/// The query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub struct Query<T>(pub T);

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(ErrorCode::PayloadTooLarge, "the body is too large"),
            // The parser's words quote the body, so they are not repeated.
            _ => no_money(&rejection).unwrap_or_else(|| {
                Self::new(ErrorCode::InvalidRequest, "the body does not read as this request's JSON")
            }),
        }
    }
}

/// An amount or a currency that there is not has a name, like one that does not belong: it is no flaw of the request's shape.
fn no_money(rejection: &JsonRejection) -> Option<ApiError> {
    let mut source = rejection.source();
    let unread = loop {
        let error = source?;
        match error.downcast_ref::<serde_path_to_error::Error<serde_json::Error>>() {
            Some(unread) => break unread,
            None => source = error.source(),
        }
    };
    let (path, words) = (unread.path().to_string(), unread.inner().to_string());
    // Of an error of the domain the parser keeps the words alone.
    let says = |error: MoneyError| words.starts_with(&error.to_string());
    let number = path.strip_suffix(".minor");
    if number.is_some() || says(MoneyError::OutOfRange) {
        let field = number.unwrap_or(&path);
        return Some(ApiError::invalid(
            ErrorCode::InvalidAmount,
            field,
            "an amount is in whole minor units, within range",
        ));
    }
    says(MoneyError::UnknownCurrency).then(|| {
        let field = path.strip_suffix(".currency").unwrap_or(&path);
        ApiError::invalid(ErrorCode::UnknownCurrency, field, "this currency is not known")
    })
}

impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::not_found()
    }
}

impl From<QueryRejection> for ApiError {
    fn from(_: QueryRejection) -> Self {
        Self::new(ErrorCode::InvalidRequest, "the query does not read")
    }
}

/// Where a request comes from: the peer, or what a listed proxy says of it.
#[derive(Clone, Copy, Debug)]
pub struct Source(pub IpAddr);

impl FromRequestParts<App> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // In process there is no peer: it is this machine.
        let peer = peer.map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip().to_canonical());
        Ok(Self(proxies::source(peer, &parts.headers, &app.settings.trusted_proxies)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_before_the_server_does_is_noted() {
        crate::testing::on_sqlite(async |world| {
            begin_part(&world.app, "a part with a fault", async { panic!("a fault") }).await.unwrap();
            assert_eq!(world.get("/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
        })
        .await;
    }

    async fn exchange(stream: &mut TcpStream, request: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4_096];
        let read = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    fn config(folder: &std::path::Path) -> Config {
        let location = crate::config::data_folder(folder, None).unwrap();
        Config::new(location, "127.0.0.1:0".parse().unwrap())
    }

    #[tokio::test]
    async fn a_server_listens_stops_with_an_idle_connection_open_and_starts_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let running = Server::start(config(&folder)).await.unwrap();
        assert_eq!(running.public_url.origin(), format!("http://localhost:{}", running.addr.port()));
        let mut stream = TcpStream::connect(running.addr).await.unwrap();
        let host = running.addr;
        let answer = exchange(&mut stream, &format!("GET /ready HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let answer = exchange(&mut stream, "GET /ready HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
        running.shutdown().await;
        Server::start(config(&folder)).await.unwrap().shutdown().await;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "the folder is its owner's alone");
        }
    }

    const SHORT: Patience =
        Patience { head: Duration::from_millis(60), idle: Duration::from_millis(60), leave: Duration::from_millis(20) };

    /// What came back on a connection on which so much was sent, once the server had closed it.
    async fn answered(sent: &[u8], router: Router, patience: Patience) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        let serving = tokio::spawn(serve_connection(server, peer, router, CancellationToken::new(), patience));
        stream.write_all(sent).await.unwrap();
        let mut answer = Vec::new();
        // Closed with something unread it ends by a reset.
        let _ = stream.read_to_end(&mut answer).await;
        serving.await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_connection_that_asks_nothing_is_closed_and_one_that_waits_for_its_answer_is_not() {
        let slow = async || tokio::time::sleep(SHORT.idle * 3).await;
        let router = Router::new().route("/slow", axum::routing::get(slow));
        // The preface of HTTP/2, and its first frame: settings, none of them.
        let begun = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        for sent in [b"".as_slice(), &begun[..12], begun, b"GET /slow HT"] {
            let answer = tokio::time::timeout(PATIENCE.head, answered(sent, router.clone(), SHORT)).await;
            assert!(!answer.expect("it is closed").contains("200 OK"), "{sent:?}");
        }
        // However busy the machine is, the request arrives before its time is over.
        let patience = Patience { head: PATIENCE.head, ..SHORT };
        let answer = answered(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n", router, patience).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn a_key_is_never_ignored_in_silence() {
        let place = tempfile::tempdir().unwrap();
        let mut config = config(place.path());
        config.location = crate::config::data_folder(place.path(), crate::db::FileKey::read(&[7; 32])).unwrap();
        match Server::start(config).await {
            // This build has plain SQLite.
            Err(ConfigError::Database(crate::db::DbError::NotEncrypted)) => {}
            Err(other) => panic!("{other:?}"),
            Ok(running) => {
                running.shutdown().await;
                let bytes = std::fs::read(place.path().join("server.sqlite")).unwrap();
                assert!(!bytes.starts_with(b"SQLite format 3"), "the file is sealed");
                let plain = Server::start(self::config(place.path())).await;
                assert!(matches!(plain, Err(ConfigError::Database(crate::db::DbError::NotEncrypted))));
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_or_no_json_is_refused_as_problem_details() {
        use crate::testing::on_sqlite;
        on_sqlite(async |world| {
            let router: Router = dressed(
                Router::new().route("/take", axum::routing::post(async |Json(_): Json<serde_json::Value>| "taken")),
                world.app.clone(),
            );
            let send = async |body: Vec<u8>| {
                let request = Request::post("/take").header("content-type", "application/json");
                let request = request.body(axum::body::Body::from(body)).unwrap();
                let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
                (response.status().as_u16(), response.headers()["content-type"].clone())
            };
            assert_eq!(send(b"{}".to_vec()).await.0, 200);
            let problem = HeaderValue::from_static("application/problem+json");
            assert_eq!(send(b"{".to_vec()).await, (400, problem.clone()));
            assert_eq!(send(br#"{"name":"a\u0000b"}"#.to_vec()).await, (400, problem.clone()));
            assert_eq!(send(br#"{"name":"a\\\u0000b"}"#.to_vec()).await, (400, problem.clone()));
            assert_eq!(send(br#"{"name":"a\\u0000b"}"#.to_vec()).await.0, 200, "a backslash and letters");
            assert_eq!(send(vec![b' '; BODY_MAX + 1]).await, (413, problem));
        })
        .await;
    }

    #[tokio::test]
    async fn over_tls_browsers_are_told_to_stay_there_and_for_names_below_where_the_operator_says_so() {
        use crate::testing::on_sqlite;
        on_sqlite(async |world| {
            let told = async |public_url: &str, hsts_subdomains: bool, path: &str| {
                let world = world.with_settings(|settings| {
                    settings.public_url = public_url.parse().unwrap();
                    settings.hsts_subdomains = hsts_subdomains;
                });
                world.get(path).await.header("strict-transport-security").map(str::to_owned)
            };
            let https = "https://accounts.example.org";
            for path in ["/live", "/sign-in", "/api/v1/me", "/nothing"] {
                assert_eq!(told(https, false, path).await.as_deref(), Some("max-age=63072000"), "{path}");
                let below = told(https, true, path).await;
                assert_eq!(below.as_deref(), Some("max-age=63072000; includeSubDomains"), "{path}");
                assert_eq!(told("http://localhost:8470", true, path).await, None, "{path}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_an_answer_of_500() {
        use crate::testing::on_sqlite;
        on_sqlite(async |world| {
            let route = axum::routing::get(async || {
                if true {
                    panic!("as a bug would")
                }
            });
            let router = dressed(Router::new().route("/bug", route), world.app.clone());
            let request = Request::get("/bug").body(axum::body::Body::empty()).unwrap();
            let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        })
        .await;
    }
}

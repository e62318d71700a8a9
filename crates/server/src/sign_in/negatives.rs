//! Requests of OAuth that must be refused, by name: redirects, PKCE, codes, keys, proofs, nonces, refresh tokens, scope,
//! issuer. Each row stands alone, and what it begins from is shown to be good.

use api::error::ErrorCode;
use api::sign_in::{CLIENT_ID, PAR_PATH, PushedResponse, REVOKE_PATH, TOKEN_PATH, TokenResponse};
use axum::body::Body;
use axum::http::Request;
use data_encoding::BASE64URL_NOPAD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::tests::{
    Browser, Form, ME, ath, authorize_path, call_me, expect_error, new_code, pushed, redeem, refresh_form, send, with,
};
use crate::testing::{Answer, DeviceKey, ORIGIN, REDIRECT, World, on_each_engine};

// ---- the request that an app pushes ------------------------------------------------------------------------------

/// A field, what stands in it, and the standard's word for what is wrong.
const PUSHED: &[(&str, &str, &str, &str)] = &[
    ("a client that nobody knows", "client_id", "someone-else", "invalid_client"),
    ("the implicit grant", "response_type", "token", "unsupported_response_type"),
    ("the hybrid grant", "response_type", "code id_token", "unsupported_response_type"),
    ("a scope that grew", "scope", "account admin", "invalid_scope"),
    ("another scope", "scope", "openid", "invalid_scope"),
    ("a redirect to a site", "redirect_uri", "https://evil.example/cb", "invalid_request"),
    ("a redirect to a name of this machine", "redirect_uri", "http://localhost:49152/cb", "invalid_request"),
    ("a redirect to another path", "redirect_uri", "http://127.0.0.1:49152/other", "invalid_request"),
    ("a redirect with a query", "redirect_uri", "http://127.0.0.1:49152/cb?to=evil", "invalid_request"),
    ("a redirect with a fragment", "redirect_uri", "http://127.0.0.1:49152/cb#evil", "invalid_request"),
    ("a redirect with a name before the host", "redirect_uri", "http://127.0.0.1@evil.example:1/cb", "invalid_request"),
    ("a redirect to a host that begins alike", "redirect_uri", "http://127.0.0.1.evil.example:1/cb", "invalid_request"),
    ("a redirect in another spelling", "redirect_uri", "http://0x7f000001:49152/cb", "invalid_request"),
    ("a redirect to a scheme of an app", "redirect_uri", "billfold:/cb", "invalid_request"),
    ("a redirect to nowhere", "redirect_uri", "", "invalid_request"),
    ("a challenge in the open", "code_challenge_method", "plain", "invalid_request"),
    ("no method for the challenge", "code_challenge_method", "", "invalid_request"),
    ("a challenge that is too short", "code_challenge", "short", "invalid_request"),
    ("no challenge", "code_challenge", "", "invalid_request"),
    ("no state", "state", "", "invalid_request"),
    ("an unknown prompt", "prompt", "none", "invalid_request"),
    ("letters to compare", "match_code", "4x", "invalid_request"),
    ("a device's name that turns the text", "device_name", "a\u{202e}b", "invalid_request"),
    ("a key's thumbprint that is none", "dpop_jkt", "short", "invalid_request"),
];

#[tokio::test]
async fn a_pushed_request_is_refused_for_each_thing_that_is_wrong_with_it() {
    on_each_engine(async |world| {
        for (name, field, value, error) in PUSHED {
            world.advance(SignedDuration::from_mins(1));
            let key = DeviceKey::new();
            let answer = send(&world, &key, PAR_PATH, &with(pushed(&key), field, value)).await;
            eprintln!("{name}");
            expect_error(&answer, error);
            send(&world, &key, PAR_PATH, &pushed(&key)).await.expect(201);
        }
        let key = DeviceKey::new();
        let other = DeviceKey::new().thumbprint();
        expect_error(
            &send(&world, &key, PAR_PATH, &with(pushed(&key), "dpop_jkt", &other)).await,
            "invalid_dpop_proof",
        );
        let long = "s".repeat(513);
        expect_error(&send(&world, &key, PAR_PATH, &with(pushed(&key), "state", &long)).await, "invalid_request");
        // A request that is not pushed is none.
        let mut browser = Browser::new(&world);
        let direct = format!("/oauth/authorize?client_id={CLIENT_ID}&response_type=code&redirect_uri={REDIRECT}");
        let answer = browser.get(&direct).await;
        assert_eq!(answer.expect(400).header("location"), None);
        let other_client = authorize_path(&world, &key).await.replace(CLIENT_ID, "someone-else");
        assert_eq!(browser.get(&other_client).await.expect(400).header("location"), None);
    })
    .await;
}

// ---- codes -------------------------------------------------------------------------------------------------------

/// Where one stands: a code for a new account and the key it is bound to.
struct Granted {
    key: DeviceKey,
    code: String,
}

async fn granted(world: &World) -> Granted {
    world.advance(SignedDuration::from_mins(1));
    let key = DeviceKey::new();
    let code = new_code(world, &key).await;
    Granted { key, code }
}

const WRONG: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A field, what stands in it, the error, and whether the code is spoilt by it.
const REDEEMED: &[(&str, &str, &str, &str, bool)] = &[
    ("another verifier", "code_verifier", WRONG, "invalid_grant", true),
    ("no verifier", "code_verifier", "", "invalid_grant", true),
    ("the challenge for a verifier", "code_verifier", "challenge", "invalid_grant", true),
    ("another port of the redirect", "redirect_uri", "http://127.0.0.1:49153/cb", "invalid_grant", true),
    ("another address of the redirect", "redirect_uri", "http://[::1]:49152/cb", "invalid_grant", true),
    ("no redirect", "redirect_uri", "", "invalid_grant", true),
    ("another client", "client_id", "someone-else", "invalid_client", false),
    ("a code that nobody got", "code", "unknown", "invalid_grant", false),
    ("no code", "code", "", "invalid_grant", false),
    ("a password for a grant", "grant_type", "password", "invalid_request", false),
    ("a client's own grant", "grant_type", "client_credentials", "invalid_request", false),
    ("a device's grant", "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "invalid_request", false),
];

#[tokio::test]
async fn a_code_is_refused_for_each_thing_that_is_wrong_and_what_names_it_wrongly_ends_it() {
    on_each_engine(async |world| {
        for (name, field, value, error, spoils) in REDEEMED {
            let Granted { key, code } = granted(&world).await;
            let challenge = pushed(&key).into_iter().find(|(name, _)| *name == "code_challenge").unwrap().1;
            let value = if *value == "challenge" { challenge.as_str() } else { value };
            eprintln!("{name}");
            expect_error(&send(&world, &key, TOKEN_PATH, &with(redeem(&code), field, value)).await, error);
            let after = send(&world, &key, TOKEN_PATH, &redeem(&code)).await;
            if *spoils {
                expect_error(&after, "invalid_grant");
            } else {
                after.expect(200);
            }
        }
        // By another key than the one that began: whoever holds the code is not who it was for.
        let Granted { key, code } = granted(&world).await;
        expect_error(&send(&world, &DeviceKey::new(), TOKEN_PATH, &redeem(&code)).await, "invalid_grant");
        expect_error(&send(&world, &key, TOKEN_PATH, &redeem(&code)).await, "invalid_grant");
        // Too old.
        let Granted { key, code } = granted(&world).await;
        world.advance(SignedDuration::from_secs(60));
        expect_error(&send(&world, &key, TOKEN_PATH, &redeem(&code)).await, "invalid_grant");
        // A second time, which takes back what the first gave.
        let Granted { key, code } = granted(&world).await;
        let tokens: TokenResponse = send(&world, &key, TOKEN_PATH, &redeem(&code)).await.ok();
        expect_error(&send(&world, &key, TOKEN_PATH, &redeem(&code)).await, "invalid_grant");
        expect_error(&send(&world, &key, TOKEN_PATH, &refresh_form(&tokens.refresh_token)).await, "invalid_grant");
        // A form that names a field twice, and one that is none.
        let Granted { key, code } = granted(&world).await;
        let mut twice: Form = redeem(&code);
        twice.push(("code_verifier", WRONG.to_owned()));
        expect_error(&send(&world, &key, TOKEN_PATH, &twice).await, "invalid_request");
        let proof = key.proof(&world.claims("POST", TOKEN_PATH));
        let json = Request::post(TOKEN_PATH).header("dpop", proof).header("content-type", "application/json");
        expect_error(&world.call(json.body(Body::from("{}")).unwrap()).await, "invalid_request");
    })
    .await;
}

// ---- refresh tokens ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_refresh_token_is_refused_for_each_thing_that_is_wrong() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let good = refresh_form(&device.refresh_token());
        for (name, field, value, error) in [
            ("a token that nobody got", "refresh_token", "unknown", "invalid_grant"),
            ("an access token for it", "refresh_token", &*device.access_token(), "invalid_grant"),
            ("another client", "client_id", "someone-else", "invalid_client"),
        ] {
            eprintln!("{name}");
            expect_error(&send(&world, &device.key, TOKEN_PATH, &with(good.clone(), field, value)).await, error);
        }
        expect_error(&send(&world, &DeviceKey::new(), TOKEN_PATH, &good).await, "invalid_grant");
        // A scope that grew is not given: what comes back says what it is good for.
        let grown = with(good, "scope", "account admin");
        let answer: TokenResponse = send(&world, &device.key, TOKEN_PATH, &grown).await.ok();
        assert_eq!(answer.scope, "account");
        // Its successor was used: the old one ends everything.
        let device = world.holder().await;
        let old = refresh_form(&device.refresh_token());
        device.refresh().await.expect(200);
        device.get(ME).await.expect(200);
        world.advance(SignedDuration::from_secs(1));
        expect_error(&send(&world, &device.key, TOKEN_PATH, &old).await, "invalid_grant");
        assert_eq!(device.get(ME).await.code(), ErrorCode::DeviceRevoked);
        // Idle for too long.
        let device = world.holder().await;
        world.advance(SignedDuration::from_hours(14 * 24));
        expect_error(&device.refresh().await, "invalid_grant");
        // Revoked by who holds another key: nothing happens, and nothing is said.
        let device = world.holder().await;
        let form = vec![("token", device.refresh_token()), ("client_id", CLIENT_ID.to_owned())];
        send(&world, &DeviceKey::new(), REVOKE_PATH, &form).await.expect(200);
        device.get(ME).await.expect(200);
    })
    .await;
}

// ---- proofs ------------------------------------------------------------------------------------------------------

/// What a row does to the claims or the header of a good proof.
type Change = fn(&mut Value);

const CLAIMS: &[(&str, Change, ErrorCode)] = &[
    ("another method", |claims| claims["htm"] = "POST".into(), ErrorCode::InvalidProof),
    ("a method in small letters", |claims| claims["htm"] = "get".into(), ErrorCode::InvalidProof),
    ("another path", |claims| claims["htu"] = format!("{ORIGIN}/api/v1/devices").into(), ErrorCode::InvalidProof),
    ("another server", |claims| claims["htu"] = format!("https://evil.example{ME}").into(), ErrorCode::InvalidProof),
    ("another scheme", |claims| claims["htu"] = format!("https://localhost:8470{ME}").into(), ErrorCode::InvalidProof),
    ("a path alone", |claims| claims["htu"] = ME.into(), ErrorCode::InvalidProof),
    ("no address", |claims| drop(claims.as_object_mut().unwrap().remove("htu")), ErrorCode::InvalidProof),
    ("another token's hash", |claims| claims["ath"] = ath("another"), ErrorCode::InvalidProof),
    ("no token's hash", |claims| drop(claims.as_object_mut().unwrap().remove("ath")), ErrorCode::InvalidProof),
    ("no id", |claims| claims["jti"] = "".into(), ErrorCode::InvalidProof),
    ("an id without end", |claims| claims["jti"] = "j".repeat(300).into(), ErrorCode::InvalidProof),
    ("no time", |claims| drop(claims.as_object_mut().unwrap().remove("iat")), ErrorCode::InvalidProof),
    ("no nonce", |claims| drop(claims.as_object_mut().unwrap().remove("nonce")), ErrorCode::UseDpopNonce),
    ("a nonce of its own", |claims| claims["nonce"] = "yesterday's".into(), ErrorCode::UseDpopNonce),
];

const HEADERS: &[(&str, Change)] = &[
    ("another type", |header| header["typ"] = "JWT".into()),
    ("no type", |header| drop(header.as_object_mut().unwrap().remove("typ"))),
    ("no algorithm", |header| header["alg"] = "none".into()),
    ("a shared secret", |header| header["alg"] = "HS256".into()),
    ("another algorithm", |header| header["alg"] = "RS256".into()),
    ("what must be understood and is not", |header| header["crit"] = json!(["exp"])),
    ("a private key", |header| header["jwk"]["d"] = "c2VjcmV0".into()),
    ("half a key", |header| drop(header["jwk"].as_object_mut().unwrap().remove("y"))),
    ("a key on another curve", |header| header["jwk"]["crv"] = "P-384".into()),
    ("a point that is on no curve", |header| header["jwk"]["x"] = BASE64URL_NOPAD.encode(&[1; 32]).into()),
    ("no key", |header| drop(header.as_object_mut().unwrap().remove("jwk"))),
    ("another's key", |header| header["jwk"] = DeviceKey::new().jwk()),
];

#[tokio::test]
async fn a_proof_is_refused_for_each_thing_that_is_wrong_with_it() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let token = device.access_token();
        let good = || {
            let mut claims = world.claims("GET", ME);
            claims["ath"] = ath(&token);
            claims
        };
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": device.key.jwk()});
        for (name, change, code) in CLAIMS {
            let mut claims = good();
            change(&mut claims);
            let answer = call_me(&world, "DPoP", &token, &[device.key.sign(&header, &claims)]).await;
            assert_eq!(answer.code(), *code, "{name}");
        }
        for (name, change) in HEADERS {
            let mut header = header.clone();
            change(&mut header);
            let answer = call_me(&world, "DPoP", &token, &[device.key.sign(&header, &good())]).await;
            assert_eq!(answer.code(), ErrorCode::InvalidProof, "{name}");
        }
        let code = async |scheme: &str, proofs: &[String]| call_me(&world, scheme, &token, proofs).await.code();
        let proof = || device.key.sign(&header, &good());
        let used = proof();
        call_me(&world, "DPoP", &token, std::slice::from_ref(&used)).await.expect(200);
        assert_eq!(code("DPoP", std::slice::from_ref(&used)).await, ErrorCode::InvalidProof, "a proof that was used");
        assert_eq!(code("DPoP", &[]).await, ErrorCode::InvalidProof, "no proof");
        assert_eq!(code("DPoP", &[proof(), proof()]).await, ErrorCode::InvalidProof, "two proofs");
        assert_eq!(code("Bearer", &[proof()]).await, ErrorCode::NotSignedIn, "the token by itself");
        assert_eq!(code("DPoP", &["a.b.c".to_owned()]).await, ErrorCode::InvalidProof, "no JWT");
        let unsigned = proof().rsplit_once('.').unwrap().0.to_owned() + ".";
        assert_eq!(code("DPoP", &[unsigned]).await, ErrorCode::InvalidProof, "no signature");
        let by_other = DeviceKey::new().proof(&good());
        assert_eq!(code("DPoP", &[by_other]).await, ErrorCode::InvalidProof, "a proof by another key");
        let refresh = device.refresh_token();
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&refresh);
        let answer = call_me(&world, "DPoP", &refresh, &[device.key.proof(&claims)]).await;
        assert_eq!(answer.code(), ErrorCode::NotSignedIn, "a refresh token for an access token");
        call_me(&world, "DPoP", &token, &[proof()]).await.expect(200);
    })
    .await;
}

// ---- the answer to the app ---------------------------------------------------------------------------------------

#[tokio::test]
async fn the_answer_names_its_issuer_and_comes_back_to_who_asked() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let answer: PushedResponse = send(&world, &key, PAR_PATH, &pushed(&key)).await.ok();
        let mut browser = Browser::new(&world);
        let path = format!("/oauth/authorize?client_id={CLIENT_ID}&request_uri={}", answer.request_uri);
        // Parameters beside the pushed ones change nothing.
        let mixed: Answer = browser.get(&format!("{path}&state=other&redirect_uri=http://127.0.0.1:1/cb")).await;
        mixed.expect(303);
        browser.create("Ines Calloway").await.expect(200);
        let back = browser.confirm().await;
        let param = |name| super::tests::param(&back, name);
        assert!(back.as_str().starts_with(REDIRECT), "{back}");
        assert_eq!(param("iss").as_deref(), Some(ORIGIN));
        assert_eq!(param("state").as_deref(), Some("the-app's-state"));
    })
    .await;
}

/// The rows of all the tables, and those that are written out beside them.
#[test]
fn there_are_sixty_and_more() {
    let tables = PUSHED.len() + REDEEMED.len() + CLAIMS.len() + HEADERS.len();
    assert!(tables >= 60, "{tables}");
}

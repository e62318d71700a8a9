use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::time::ManualClock;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::carriers::{Carrier as _, Carriers, Gateway, MailSettings, MailWay, TextGateway};
use super::*;
use crate::config::{ConfigError, Secret};
use crate::testing::{TestDevice, World, on_each_engine};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const ASKER: &[u8] = b"a visit";

fn address(text: &str) -> AddressValue {
    AddressValue::parse(AddressKind::Email, text).unwrap()
}

async fn ask(world: &World, device: &TestDevice, to: &str, bound_to: &[u8]) -> CodeId {
    ask_for(world, device, (Purpose::ConfirmAddress, Asker::Proven), to, bound_to).await
}

async fn ask_for(
    world: &World,
    device: &TestDevice,
    (purpose, by): (Purpose, Asker),
    to: &str,
    bound_to: &[u8],
) -> CodeId {
    let mut tx = world.app.db.begin_write().await.unwrap();
    let request = CodeRequest { holder: device.holder, to: &address(to), purpose, by, bound_to, source: HERE };
    let code = send_code(&mut tx, &world.app, &request).await.unwrap();
    tx.commit().await.unwrap();
    world.work().await;
    code
}

async fn check(world: &World, device: &TestDevice, code: CodeId, bound_to: &[u8], typed: &str) -> CodeAnswer {
    let mut tx = world.app.db.begin_write().await.unwrap();
    let purpose = Purpose::ConfirmAddress;
    let answer = check_code(&mut tx, &world.app, device.holder, code, purpose, bound_to, typed).await.unwrap();
    tx.commit().await.unwrap();
    answer
}

#[tokio::test]
async fn a_code_is_good_once_for_whoever_asked_and_for_ten_minutes() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let code = ask(&world, &device, "ines@example.org", ASKER).await;
        let digits = world.mail.last_code();
        assert_eq!(check(&world, &device, code, b"another visit", &digits).await, CodeAnswer::Over);
        let other = world.holder().await;
        assert_eq!(check(&world, &other, code, ASKER, &digits).await, CodeAnswer::Over);
        let spaced = format!(" {} {} ", &digits[..4], &digits[4..]);
        assert_eq!(check(&world, &device, code, ASKER, &spaced).await, CodeAnswer::Right);
        assert_eq!(check(&world, &device, code, ASKER, &digits).await, CodeAnswer::Over, "once");

        let code = ask(&world, &device, "ines@example.org", ASKER).await;
        let digits = world.mail.last_code();
        world.advance(CODE_LIFE);
        assert_eq!(check(&world, &device, code, ASKER, &digits).await, CodeAnswer::Over, "too old");
    })
    .await;
}

#[tokio::test]
async fn the_fifth_wrong_code_is_the_last() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let code = ask(&world, &device, "ines@example.org", ASKER).await;
        let digits = world.mail.last_code();
        let wrong = if digits == "00000000" { "00000001" } else { "00000000" };
        for _ in 0..4 {
            assert_eq!(check(&world, &device, code, ASKER, wrong).await, CodeAnswer::Wrong);
        }
        assert_eq!(check(&world, &device, code, ASKER, wrong).await, CodeAnswer::Over);
        assert_eq!(check(&world, &device, code, ASKER, &digits).await, CodeAnswer::Over, "also the right one");
    })
    .await;
}

#[tokio::test]
async fn tries_at_once_are_no_more_than_five() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let code = ask(&world, &device, "ines@example.org", ASKER).await;
        let digits = world.mail.last_code();
        let wrong = if digits == "00000000" { "00000001" } else { "00000000" };
        let tries = (0..12).map(|_| check(&world, &device, code, ASKER, wrong));
        let answers = futures_util::future::join_all(tries).await;
        let counted = answers.iter().filter(|answer| **answer == CodeAnswer::Wrong).count();
        assert_eq!(counted, 4, "the fifth is the last: {answers:?}");
        assert_eq!(check(&world, &device, code, ASKER, &digits).await, CodeAnswer::Over);
    })
    .await;
}

#[tokio::test]
async fn a_right_code_that_waits_for_something_else_costs_no_try() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let code = ask(&world, &device, "ines@example.org", ASKER).await;
        let digits = world.mail.last_code();
        for _ in 0..6 {
            let mut tx = world.app.db.begin_write().await.unwrap();
            let purpose = Purpose::ConfirmAddress;
            let answer = try_code(&mut tx, &world.app, device.holder, code, purpose, ASKER, &digits).await.unwrap();
            assert_eq!(answer, CodeAnswer::Right);
            tx.commit().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn beyond_the_limits_nothing_is_sent_and_the_code_of_nothing_is_never_right() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        // For one visit two.
        let mut last = None;
        for _ in 0..3 {
            last = Some(ask(&world, &device, "ines@example.org", ASKER).await);
        }
        assert_eq!(world.mail.take().len(), 2);
        let last = last.unwrap();
        assert_eq!(check(&world, &device, last, ASKER, "").await, CodeAnswer::Wrong, "nothing typed for nothing sent");
        assert_eq!(check(&world, &device, last, ASKER, "00000000").await, CodeAnswer::Wrong);
        // To one address three, whoever asks; the two above count, and the one that was not sent does not.
        for (visit, sent) in [(b"0", 1), (b"1", 0)] {
            ask(&world, &device, "Ines@example.org", visit).await;
            assert_eq!(world.mail.take().len(), sent);
        }
        world.advance(SignedDuration::from_hours(1));
        ask(&world, &device, "ines@example.org", b"2").await;
        assert_eq!(world.mail.take().len(), 1, "one more an hour");
        // From one network five, wherever to.
        world.advance(SignedDuration::from_hours(24));
        for n in 0..7 {
            ask(&world, &device, &format!("name{n}@example.org"), format!("visit {n}").as_bytes()).await;
        }
        assert_eq!(world.mail.take().len(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_who_types_an_address_keeps_no_code_from_its_owner() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        for visit in 0..5_u8 {
            ask_for(&world, &device, (Purpose::Recover, Asker::Anybody), "ines@example.org", &[visit]).await;
            world.advance(SignedDuration::from_mins(1));
        }
        assert_eq!(world.mail.take().len(), 3);
        for purpose in [Purpose::SignIn, Purpose::Recover] {
            ask_for(&world, &device, (purpose, Asker::Proven), "ines@example.org", b"the owner's").await;
            assert_eq!(world.mail.take().len(), 1, "{purpose:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_does_not_leave_is_tried_again_and_one_that_never_will_is_given_up() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        world.mail.refuse(Some(NotCarried::Later));
        let code = ask(&world, &device, "ines@example.org", ASKER).await;
        assert!(world.mail.take().is_empty());
        world.mail.refuse(None);
        world.advance(SignedDuration::from_secs(5));
        world.work().await;
        let digits = world.mail.last_code();
        assert_eq!(check(&world, &device, code, ASKER, &digits).await, CodeAnswer::Right);

        world.mail.refuse(Some(NotCarried::Never));
        ask(&world, &device, "other@example.org", b"other").await;
        world.mail.refuse(None);
        world.pass(SignedDuration::from_hours(2), SignedDuration::from_mins(10)).await;
        assert!(world.mail.take().is_empty(), "it was given up");

        world.mail.refuse(Some(NotCarried::Later));
        ask(&world, &device, "third@example.org", b"third").await;
        world.advance(CODE_LIFE);
        world.mail.refuse(None);
        world.work().await;
        assert!(world.mail.take().is_empty(), "a code that nobody waits for any more is not sent");
    })
    .await;
}

#[tokio::test]
async fn a_code_is_nowhere_in_the_database() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let code = ask(&world, &device, "ines@example.org", ASKER).await;
        let digits = world.mail.last_code();
        let mut tx = world.app.db.begin_write().await.unwrap();
        let purpose = Purpose::ConfirmAddress.as_str();
        let asked = store::Asked { purpose, bound_to: ASKER, now: world.now(), tries_max: TRIES_MAX };
        let kept = store::take_try(&mut tx, device.holder, code, &asked).await.unwrap().unwrap();
        let hash = kept.hash.unwrap();
        assert_ne!(hash, <[u8; 32]>::from(Sha256::digest(&digits)), "its id salts it");
        assert_eq!(hash, hash_of(code, &digits));
    })
    .await;
}

#[test]
fn every_language_says_the_code_the_limit_and_what_to_do() {
    for language in Language::ALL {
        for kind in [AddressKind::Email, AddressKind::Phone] {
            let said = words::code(language, kind, "Our server", Purpose::ConfirmAddress, "12345678");
            assert!(said.text.contains("1234 5678") && said.text.contains("10 "), "{}", said.text);
            assert_eq!(said.subject.is_empty(), kind == AddressKind::Phone);
            assert!(kind == AddressKind::Email || said.text.chars().count() <= 300, "{}", said.text.len());
        }
    }
}

// ---- the carriers ------------------------------------------------------------------------------------------------

fn letter(kind: AddressKind, to: &str) -> Letter {
    let to = AddressValue::parse(kind, to).unwrap();
    Letter {
        id: uuid::Uuid::from_u128(7), to, subject: "Código: 1234".to_owned(), text: "Línea\n.\nlast\n".to_owned()
    }
}

fn clock() -> Arc<dyn domain::time::Clock> {
    Arc::new(ManualClock::at("2027-03-01T17:00:00Z".parse().unwrap()))
}

fn mail(way: MailWay) -> MailSettings {
    MailSettings { from: "Billfold <accounts@example.org>".to_owned(), way }
}

/// Takes one message as a mail server does, and gives what it was told.
async fn mail_server(listener: TcpListener, refuse: Option<&'static str>) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut heard = String::new();
    write.write_all(b"220 ready\r\n").await.unwrap();
    let mut in_data = false;
    while let Ok(Some(line)) = lines.next_line().await {
        heard.push_str(&line);
        heard.push('\n');
        let answer = match line.split(' ').next().unwrap_or_default() {
            _ if in_data && line != "." => continue,
            "EHLO" => "250 here\r\n",
            "RCPT" => refuse.unwrap_or("250 good\r\n"),
            "DATA" => {
                in_data = true;
                "354 go on\r\n"
            }
            "QUIT" => {
                let _ = write.write_all(b"221 bye\r\n").await;
                break;
            }
            _ => {
                in_data = false;
                "250 good\r\n"
            }
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
    }
    heard
}

#[tokio::test]
async fn smtp_carries_a_message_whole_and_says_whether_to_try_again() {
    for (refuse, outcome) in [
        (None, Ok(())),
        (Some("450 later\r\n"), Err(NotCarried::Later)),
        (Some("550 nobody\r\n"), Err(NotCarried::Never)),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("smtp://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let heard = tokio::spawn(mail_server(listener, refuse));
        let settings = mail(MailWay::Smtp { server, login: None });
        let carriers = Carriers::new(Some(&settings), None, &clock()).unwrap();
        let carried = carriers.email.as_ref().unwrap().carry(letter(AddressKind::Email, "ines@example.org")).await;
        assert_eq!(carried, outcome);
        drop(carriers);
        let heard = heard.await.unwrap();
        assert!(heard.contains("RCPT TO:<ines@example.org>"), "{heard}");
        if outcome.is_ok() {
            for part in [
                "MAIL FROM:<accounts@example.org>",
                "Auto-Submitted: auto-generated",
                "Message-ID: <00000000-0000-0000-0000-000000000007@example.org>",
                "Date: Mon, 01 Mar 2027 17:00:00 +0000",
                "charset=utf-8",
            ] {
                assert!(heard.contains(part), "{part} in {heard}");
            }
        }
    }
    // Nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("smtp://127.0.0.1:{}", listener.local_addr().unwrap().port());
    drop(listener);
    let carriers = Carriers::new(Some(&mail(MailWay::Smtp { server, login: None })), None, &clock()).unwrap();
    let carried = carriers.email.unwrap().carry(letter(AddressKind::Email, "ines@example.org")).await;
    assert_eq!(carried, Err(NotCarried::Later));
}

#[tokio::test]
async fn a_folder_gets_one_whole_file_for_each_message() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    let carriers = Carriers::new(Some(&mail(MailWay::Folder(folder.clone()))), None, &clock()).unwrap();
    let carrier = carriers.email.unwrap();
    for _ in 0..2 {
        carrier.carry(letter(AddressKind::Email, "ines@example.org")).await.unwrap();
    }
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 1, "the second try is the same message");
    let text = std::fs::read_to_string(&names[0]).unwrap();
    assert!(text.contains("To: ines@example.org") && text.contains("L=C3=ADnea"), "{text}");
}

#[tokio::test]
async fn the_gateway_gets_the_text_with_its_token_and_decides_whether_to_try_again() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    std::fs::write(&file, "a-token\n").unwrap();
    for (answer, outcome) in [
        ("202 Accepted", Ok(())),
        ("503 Busy", Err(NotCarried::Later)),
        ("429 Slowly", Err(NotCarried::Later)),
        ("400 No", Err(NotCarried::Never)),
        ("302 Elsewhere", Err(NotCarried::Never)),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://127.0.0.1:{}/texts", listener.local_addr().unwrap().port());
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 4_096];
            let mut length = 0;
            while !String::from_utf8_lossy(&heard[..length]).contains("\"to\"") {
                length += stream.read(&mut heard[length..]).await.unwrap();
            }
            let answer =
                format!("HTTP/1.1 {answer}\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&heard[..length]).into_owned()
        });
        let gateway = TextGateway { address, token: Some(Secret::from_file(&file).unwrap()) };
        let carriers = Carriers::new(None, Some(&gateway), &clock()).unwrap();
        let carried = carriers.texts.unwrap().carry(letter(AddressKind::Phone, "+15550107788")).await;
        assert_eq!(carried, outcome, "{answer}");
        let heard = heard.await.unwrap();
        assert!(heard.contains("Bearer a-token") && heard.contains(r#""to":"+15550107788""#), "{heard}");
    }
}

#[tokio::test]
async fn a_gateway_that_never_answers_breaks_off_or_leads_elsewhere_holds_nobody_up_and_leads_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // The first is never answered, the second breaks off, the third is led on to this same port.
    let heard = tokio::spawn(async move {
        let (silent, _) = listener.accept().await.unwrap();
        drop(listener.accept().await.unwrap());
        let (mut leads, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4_096];
        let mut length = 0;
        while !String::from_utf8_lossy(&heard[..length]).contains("\"to\"") {
            length += leads.read(&mut heard[length..]).await.unwrap();
        }
        let answer =
            format!("HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n");
        leads.write_all(answer.as_bytes()).await.unwrap();
        drop(silent);
        (listener, leads)
    });
    let address = format!("http://127.0.0.1:{port}/texts");
    let gateway = Gateway::new(&TextGateway { address, token: None }, Duration::from_millis(200)).unwrap();
    for (how, outcome) in
        [("silent", NotCarried::Later), ("broken off", NotCarried::Later), ("led elsewhere", NotCarried::Never)]
    {
        assert_eq!(gateway.carry(letter(AddressKind::Phone, "+15550107788")).await, Err(outcome), "{how}");
    }
    let (listener, _leads) = heard.await.unwrap();
    let followed = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(followed.is_err(), "nobody goes where a gateway leads");
}

#[test]
fn nothing_is_sent_in_the_open_and_no_secret_stands_in_an_address() {
    let smtp = |server: &str| {
        let settings = mail(MailWay::Smtp { server: server.to_owned(), login: None });
        Carriers::new(Some(&settings), None, &clock()).map(drop)
    };
    for good in [
        "smtps://mail.example.org",
        "smtp://mail.example.org:587",
        "smtp://localhost:1025",
        "smtps://mail.example.org/",
    ] {
        assert!(smtp(good).is_ok(), "{good}");
    }
    for bad in
        ["mail.example.org", "http://mail.example.org", "smtp://me:secret@mail.example.org", "smtps://h/?tls=none"]
    {
        assert!(matches!(smtp(bad), Err(ConfigError::MailServer)), "{bad}");
    }
    let gateway = |address: &str| {
        let gateway = TextGateway { address: address.to_owned(), token: None };
        Carriers::new(None, Some(&gateway), &clock()).map(drop)
    };
    for bad in ["http://texts.example.org/", "ftp://localhost/", "https://me:secret@texts.example.org/", "texts"] {
        assert!(matches!(gateway(bad), Err(ConfigError::TextGateway)), "{bad}");
    }
    let settings = MailSettings { from: "nobody".to_owned(), ..mail(MailWay::Folder("/nowhere".into())) };
    assert!(matches!(Carriers::new(Some(&settings), None, &clock()), Err(ConfigError::MailFrom)));
}

/// A carrier with a fault.
struct Panics;

impl super::carriers::Carrier for Panics {
    fn carry(&self, _: Letter) -> futures_util::future::BoxFuture<'_, Result<(), NotCarried>> {
        Box::pin(async { panic!("a carrier with a fault") })
    }
}

#[tokio::test]
async fn a_job_that_panics_ends_no_other_and_is_tried_again() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let mut faulty = world.app.clone();
        faulty.carriers.email = Some(Arc::new(Panics));
        let mut tx = world.app.db.begin_write().await.unwrap();
        let to = address("ines@example.org");
        let purpose = Purpose::ConfirmAddress;
        let by = Asker::Proven;
        let request = CodeRequest { holder: device.holder, to: &to, purpose, by, bound_to: ASKER, source: HERE };
        send_code(&mut tx, &world.app, &request).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(jobs::run_due(&faulty).await.unwrap(), 1);
        assert_eq!(jobs::run_due(&faulty).await.unwrap(), 0, "it is put off");
        world.advance(jiff::SignedDuration::from_mins(1));
        world.work().await;
        world.mail.last_code();
    })
    .await;
}

//! The main job by the command line: import, bills, due dates, paying, statements, locking, and what goes wrong on the
//! way, with a keyring and without one.

use flows::place::{PASSPHRASE, Place, card_export};
use flows::process::wait_until;
use flows::world::today;
use serde_json::{Value, json};

fn items(json: &Value) -> &Vec<Value> {
    json["items"].as_array().expect("a list")
}

fn ofx_day(days_ago: i64) -> String {
    today().saturating_sub(jiff::Span::new().days(days_ago)).strftime("%Y%m%d").to_string()
}

#[test]
fn a_card_is_imported_once_and_its_figures_stand_apart() {
    let place = Place::new().with_account();
    let day = ofx_day(40);
    let lines = [
        (day.as_str(), "-40.00", "a", "Corner shop"),
        (day.as_str(), "-40.00", "b", "Corner shop"),
        (&ofx_day(2), "-12.34", "c", "Bakery"),
        (&ofx_day(1), "100.00", "d", "Payment, thank you"),
    ];
    let file = place.file("card.ofx", card_export(&lines));
    let preview = place.billfold(&["import", &file, "--preview"]).ok();
    assert_eq!((&preview["new"], &preview["preview"]), (&json!(4), &json!(true)));
    assert!(items(&place.billfold(&["accounts"]).ok()).is_empty(), "a preview keeps nothing");
    let first = place.billfold(&["import", &file]).ok();
    assert_eq!(first["new"], 4, "identical twins within a file are both kept");
    let again = place.billfold(&["import", &file]).ok();
    assert_eq!((&again["new"], &again["known"]), (&json!(0), &json!(4)), "the same file adds nothing");
    let card = place.billfold(&["accounts"]).ok()["items"][0].clone();
    assert_eq!((&card["keeping"], &card["kind"], &card["transactions"]), (&json!("linked"), &json!("card"), &json!(4)));
    assert!(!card.to_string().contains("4111222233334444"), "never the whole number");
    let id = card["id"].as_str().expect("an id");
    let closing = today().saturating_sub(jiff::Span::new().days(10)).day().to_string();
    place.billfold(&["card", "terms", id, "--closing-day", &closing, "--due-days", "21", "--minimum-share", "2"]).ok();
    let figures = place.billfold(&["card", "list"]).ok()["items"][0]["figures"].clone();
    let minor = |name: &str| figures[name]["minor"].as_i64();
    assert_eq!(minor("current_balance"), Some(51_234));
    // Since the closing a charge of 12.34 and a payment of 100 posted.
    assert_eq!(minor("statement_balance"), Some(51_234 - 1_234 + 10_000));
    assert_eq!(minor("minimum_due"), Some(1_200));
    assert_eq!(minor("pending"), Some(0));
    assert!(figures["closed_on"].is_string() && figures["due_on"].is_string());
    let found = place.billfold(&["transactions", "--search", "bakery"]).ok();
    assert_eq!(items(&found).len(), 1);
}

#[test]
fn bills_keep_their_days_and_a_payment_goes_through_once() {
    let place = Place::new().with_account();
    place.billfold(&["bills", "add", "--name", "Rent", "--amount", "950.00", "--every", "month", "--day", "1"]).ok();
    place
        .billfold(&[
            "bills",
            "add",
            "--name",
            "Insurance",
            "--amount",
            "210",
            "--every",
            "quarter",
            "--day",
            "31",
            "--starts",
            "2027-08-31",
        ])
        .ok();
    let phone = [
        "bills",
        "add",
        "--name",
        "Phone",
        "--amount",
        "40",
        "--estimate",
        "--every",
        "month",
        "--payee",
        "Meridian Mobile",
    ];
    place.billfold(&phone).ok();
    let due = place.billfold(&["due", "--days", "500"]).ok();
    let of = |name: &str| -> Vec<String> {
        items(&due)
            .iter()
            .filter(|one| one["name"] == name)
            .map(|one| one["due_on"].as_str().expect("a day").to_owned())
            .collect()
    };
    let insurance: Vec<String> = of("Insurance").into_iter().take(3).collect();
    assert_eq!(insurance, ["2027-08-31", "2027-11-30", "2028-02-29"], "a month's end keeps its day");
    assert!(of("Rent").iter().all(|day| day.ends_with("-01")));
    let ordered = place.billfold(&["pay", "Phone"]).ok()["payment"].clone();
    assert_eq!(ordered["practice"], true, "it says that the money is practice money");
    let settled = wait_until("the payment to settle", || {
        place.billfold(&["sync"]).ok();
        let payments = place.billfold(&["payments"]).ok();
        items(&payments).iter().find(|payment| payment["state"] == "settled").cloned()
    });
    assert_eq!(settled["id"], ordered["id"]);
    let states: Vec<&str> =
        settled["history"].as_array().expect("steps").iter().filter_map(|step| step["state"].as_str()).collect();
    assert_eq!(states, ["scheduled", "reserved", "submitting", "submitted", "settled"]);
    let bill = items(&place.billfold(&["bills", "list"]).ok()).iter().find(|bill| bill["name"] == "Phone").cloned();
    assert_ne!(bill.expect("the bill")["next_due_on"], ordered["due_on"], "the paid date is over");
    let same = ["pay", "--payee", "Meridian Mobile", "--amount", "40"];
    let twin = place.billfold(&same);
    let said = twin.json.clone();
    assert_eq!(twin.refused(1), "possible_duplicate", "the same payee, amount and day is asked about");
    assert_eq!(said["payment"]["state"], "refused", "what was kept stands beside the error");
    assert!(said["error"]["next"].as_str().expect("words").contains("--again"), "{said}");
    let cancel = place.billfold(&["cancel", said["payment"]["id"].as_str().expect("an id")]);
    let said = cancel.json.clone();
    assert_eq!(cancel.refused(1), "too_late");
    assert!(said["error"]["message"].as_str().expect("words").contains("never sent"), "{said}");
}

#[test]
fn what_cannot_be_paid_is_refused_by_name_with_the_way_out_and_leaves_nothing() {
    let place = Place::new().with_account();
    let bill = ["bills", "add", "--name", "Phone", "--amount", "40", "--every", "month", "--payee", "Meridian Mobile"];
    place.billfold(&bill).ok();
    place.billfold(&["card", "open", "Store card", "--limit", "500"]).ok();
    place.billfold(&["card", "lost", "Store card"]).ok();
    place.billfold(&["sync"]).ok();
    place.billfold(&["pay", "--payee", "Meridian Mobile", "--amount", "12"]).ok();
    let payee = |amount: &'static str, rest: &[&'static str]| {
        [&["pay", "--payee", "Meridian Mobile", "--amount", amount][..], rest].concat()
    };
    let yesterday = today().saturating_sub(jiff::Span::new().days(1)).to_string();
    let cases = [
        ("negative", payee("-12.50", &[]), "invalid_amount"),
        ("zero", payee("0", &[]), "invalid_amount"),
        ("overflow", payee("99999999999999999999", &[]), "invalid_amount"),
        ("foreign currency", payee("12", &["--currency", "QQQ"]), "unknown_currency"),
        ("past date", ["pay", "Phone", "--on", yesterday.as_str()].to_vec(), "invalid_date"),
        ("closed account", ["card", "pay", "Store card", "--amount", "1"].to_vec(), "account_closed"),
        ("unknown method", payee("12", &["--from", "4471"]), "not_found"),
        ("unknown payee", ["pay", "--payee", "Nobody at all", "--amount", "12"].to_vec(), "not_found"),
        ("duplicate", payee("12", &[]), "possible_duplicate"),
    ];
    let paid = || {
        let all = place.billfold(&["payments"]).ok();
        items(&all).iter().filter(|payment| payment["state"] != "refused").count()
    };
    let before = paid();
    for (kind, words, code) in cases {
        // `refused` also holds that it says what happened and what to do next.
        assert_eq!(place.billfold(&words).refused(1), code, "{kind}");
    }
    assert_eq!(paid(), before, "nothing was ordered");
    place.billfold(&payee("12", &["--again"])).ok();

    // What was ordered leaves although its due date is marked, and that is said.
    let later = today().saturating_add(jiff::Span::new().days(20)).to_string();
    let date = place.billfold(&["due"]).ok()["items"][0]["due_on"].as_str().expect("a date").to_owned();
    let ordered = place.billfold(&["pay", "Phone", "--due", &date, "--on", &later]).ok()["payment"]["id"].clone();
    assert_eq!(place.billfold(&["pay", "Phone", "--due", &date]).refused(1), "not_payable");
    let more = ["pay", "Phone", "--due", &date, "--amount", "1"];
    assert_eq!(place.billfold(&more).refused(1), "possible_duplicate");
    let marked = place.billfold(&["mark", "Phone", &date, "--paid"]).ok();
    assert_eq!(marked["still_leaves"][0]["id"], ordered);
    place.billfold(&["cancel", ordered.as_str().expect("an id")]).ok();
    let marked = place.billfold(&["mark", "Phone", &date, "--skip"]).ok();
    assert_eq!(marked["still_leaves"], json!([]));
}

/// What an archive holds that comes back, sorted, as text; without what is the account's or the moment's own.
fn what_comes_back(file: &str) -> Vec<String> {
    let bytes = std::fs::read(file).expect("an archive");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
    let mut read = |name: &str| -> Value {
        serde_json::from_reader(zip.by_name(name).unwrap_or_else(|_| panic!("{name}"))).expect("JSON")
    };
    let comes_back = [
        "account",
        "transaction",
        "bill",
        "mark",
        "reminder_answer",
        "income",
        "plan_wishes",
        "suggestion_answer",
        "own_biller",
    ];
    let records = read("records.json")["records"].as_array().expect("a list").clone();
    // The balance that a server keeps for payments is its own.
    let served: Vec<Value> = records
        .iter()
        .filter(|record| record["body"]["keeping"] == "served")
        .map(|record| record["body"]["id"].clone())
        .collect();
    let mut kept: Vec<String> = records
        .into_iter()
        .filter(|record| comes_back.iter().any(|kind| record["kind"] == **kind))
        .filter(|record| !served.contains(&record["body"]["id"]) && !served.contains(&record["body"]["account"]))
        .map(|record| record.to_string())
        .collect();
    kept.push(read("settings.json")["settings"].to_string());
    kept.sort();
    kept
}

/// An account with something of everything.
fn filled() -> (Place, String) {
    let place = Place::new().with_account();
    let billfold = |words: &[&str]| place.billfold(words).ok();
    let (day, later) = (ofx_day(40), ofx_day(4));
    let lines = [(day.as_str(), "-40.00", "a", "Corner shop"), (day.as_str(), "-40.00", "b", "Corner shop")];
    let more = [(later.as_str(), "-12.34", "c", "Bakery")];
    let file = place.file("card.ofx", card_export(&[lines.as_slice(), &more].concat()));
    let card = billfold(&["import", &file])["accounts"][0].as_str().expect("an id").to_owned();
    billfold(&["card", "terms", &card, "--closing-day", "14", "--due-days", "21", "--minimum-share", "2"]);
    billfold(&["billers", "set", "Window cleaner", "--how", "In cash, on the first"]);
    let cleaner =
        ["--name", "Windows", "--amount", "25.50", "--every", "month", "--day", "31", "--payee", "Window cleaner"];
    billfold(&[["bills", "add"].as_slice(), &cleaner, &["--remind", "7,3"]].concat());
    let started = today().saturating_sub(jiff::Span::new().days(45)).to_string();
    billfold(&["bills", "add", "--name", "Rent", "--amount", "950", "--every", "month", "--starts", &started]);
    billfold(&["mark", "Rent", &started, "--paid"]);
    billfold(&["paydays", "set", "Northfold Works", "--amount", "2000", "--monthly", "last"]);
    billfold(&["reminders", "set", "--at", "18:30", "--quiet", "22:00-07:00"]);
    let phone = ["bills", "add", "--name", "Phone", "--amount", "40", "--every", "once", "--payee", "Meridian Mobile"];
    billfold(&phone);
    billfold(&["pay", "Phone"]);
    wait_until("the payment to settle", || {
        place.billfold(&["sync"]).ok();
        let payments = place.billfold(&["payments"]).ok();
        items(&payments).iter().any(|payment| payment["state"] == "settled").then_some(())
    });
    billfold(&["plan", "set", "--keep", "100"]);
    let out = place.file("out.zip", "");
    billfold(&["export", "--out", &out]);
    (place, out)
}

#[test]
fn everything_out_goes_back_in_without_loss_and_the_same_again_adds_nothing() {
    let (first, out) = filled();
    let again = first.billfold(&["import", &out]).ok();
    assert_eq!(again["new"], 0, "all of it is here: {again}");
    let second = Place::new().with_account();
    let preview = second.billfold(&["import", &out, "--preview"]).ok();
    assert!(items(&second.billfold(&["accounts"]).ok()).is_empty(), "a preview keeps nothing");
    let report = second.billfold(&["import", &out]).ok();
    assert_eq!(report["archive"], preview["archive"], "it says before what it does");
    assert_eq!(report["format"], "Billfold archive");
    second.billfold(&["sync"]).ok();
    assert_eq!(second.billfold(&["status"]).ok()["waiting"], 0);
    let back = second.file("back.zip", "");
    second.billfold(&["export", "--out", &back]).ok();
    let (before, mut after) = (what_comes_back(&out), what_comes_back(&back));
    // The one difference that is meant: what Billfold paid there is marked paid here, and is no payment.
    let marks = after.iter().filter(|record| record.contains("\"mark\"")).count();
    assert_eq!(marks, before.iter().filter(|record| record.contains("\"mark\"")).count() + 1);
    after.retain(|record| !(record.contains("\"mark\"") && record.contains("\"minor\":4000")));
    assert_eq!(after, before);
    assert!(items(&second.billfold(&["payments"]).ok()).is_empty(), "history is never sent");
    let due = second.billfold(&["due", "--days", "60"]).ok();
    assert!(!items(&due).iter().any(|one| one["name"] == "Phone"), "it is paid: {due}");
    assert_eq!(second.billfold(&["import", &out]).ok()["new"], 0, "nothing comes twice");

    // A bill that was removed by mistake comes back with what was said about it, and the rest stays.
    second.billfold(&["bills", "remove", "Rent"]).ok();
    second.billfold(&["sync"]).ok();
    let report = second.billfold(&["import", &out]).ok();
    assert_eq!(report["new"], 2, "the bill and its mark: {report}");
    second.billfold(&["sync"]).ok();
    let back = second.file("again.zip", "");
    second.billfold(&["export", "--out", &back]).ok();
    let mut after = what_comes_back(&back);
    after.retain(|record| !(record.contains("\"mark\"") && record.contains("\"minor\":4000")));
    assert_eq!(after, before);
}

#[test]
fn a_statement_opens_as_a_tagged_pdf_and_adds_up() {
    let place = Place::new().with_account();
    let lines = [(ofx_day(70), "-40.00", "a"), (ofx_day(69), "-60.50", "b"), (ofx_day(5), "-1.00", "c")];
    let lines: Vec<(&str, &str, &str, &str)> =
        lines.iter().map(|(day, amount, id)| (day.as_str(), *amount, *id, "Corner shop")).collect();
    let file = place.file("card.ofx", card_export(&lines));
    let card = place.billfold(&["import", &file]).ok()["accounts"][0].clone();
    let list = place.billfold(&["statement", "list"]).ok();
    // The file also covers months in which nothing happened.
    let oldest = items(&list).iter().rfind(|one| one["lines"] != 0).expect("a closed cycle").clone();
    let minor = |name: &str| oldest[name]["minor"].as_i64().expect("an amount");
    assert_eq!(minor("closing") - minor("opening"), -10_050, "opening and lines are the closing: {list}");
    let out = place.home().join("statement.pdf");
    let cycle = oldest["cycle"].as_str().expect("a day");
    let out = out.to_str().expect("a path");
    place.billfold(&["statement", "get", card.as_str().expect("an id"), cycle, "--out", out]).ok();
    let said = |program: &str, arguments: &[&str]| {
        let done = std::process::Command::new(program).args(arguments).output().expect("poppler is installed");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    assert!(said("pdfinfo", &[out]).contains("Tagged:          yes"));
    assert!(said("pdftotext", &["-layout", out, "-"]).contains("60.50"));

    let folder = place.home().join("statements");
    std::fs::create_dir(&folder).expect("a folder");
    let into = folder.to_str().expect("a path");
    for _ in 0..2 {
        let done = place.billfold(&["statement", "all", card.as_str().expect("an id"), "--into", into]).ok();
        assert_eq!(done["saved"], items(&list).len());
        assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), items(&list).len(), "each once");
    }
    let none = place.billfold(&["transactions", "--search", "kestrel"]).ok();
    assert!(items(&none).is_empty(), "a word that no line has is no error");
}

#[test]
fn locked_means_closed_and_a_wrong_passphrase_opens_nothing() {
    let place = Place::without_keyring().with_account();
    place.billfold(&["bills", "add", "--name", "Rent", "--amount", "950", "--every", "month"]).ok();
    let locked = place.billfold_bare(&["bills", "list"]);
    let next = locked.json["error"]["next"].as_str().unwrap_or_default().to_owned();
    assert_eq!(locked.refused(3), "locked");
    assert!(next.contains("--passphrase-file"), "what to type, and not only that: {next}");
    let wrong = place.file("wrong", "some other words that are long\n");
    assert_eq!(place.billfold_bare(&["--passphrase-file", &wrong, "bills", "list"]).refused(3), "wrong_passphrase");
    assert_eq!(items(&place.billfold(&["bills", "list"]).ok()).len(), 1, "nothing was lost by it");
    assert_eq!(place.billfold_bare(&["status"]).ok()["locked"], true);
}

#[test]
fn nothing_on_the_disk_can_be_read() {
    let place = Place::without_keyring().with_account();
    place
        .billfold(&[
            "bills",
            "add",
            "--name",
            "Zanzibarrent",
            "--amount",
            "95123.45",
            "--every",
            "month",
            "--note",
            "Quixoticnote",
        ])
        .ok();
    let file = place.file("card.ofx", card_export(&[(&ofx_day(3), "-77.31", "zz-canary", "Xylophoneshop")]));
    place.billfold(&["import", &file]).ok();
    let canaries =
        ["Zanzibarrent", "Quixoticnote", "Xylophoneshop", "9512345", "4111222233334444", "Ines Calloway", PASSPHRASE];
    let files = place.files();
    assert!(files.len() >= 4, "cache, server, keys: {files:?}");
    for path in files {
        let bytes = std::fs::read(&path).expect("a file");
        assert!(!bytes.starts_with(b"SQLite format 3"), "{} is a plain database", path.display());
        for canary in canaries {
            let wide: Vec<u8> = canary.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let holds = |what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
            assert!(!holds(canary.as_bytes()) && !holds(&wide), "{} holds {canary:?}", path.display());
        }
    }
}

#[test]
fn a_damaged_copy_is_made_anew_from_the_server() {
    let place = Place::new().with_account();
    place.billfold(&["bills", "add", "--name", "Rent", "--amount", "950", "--every", "month"]).ok();
    place.billfold(&["sync"]).ok();
    let cache = place
        .files()
        .into_iter()
        .find(|path| path.ends_with("cache.sqlite") || path.to_string_lossy().contains("cache"));
    let cache = cache.expect("a cache file");
    let mut bytes = std::fs::read(&cache).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    bytes[..4_096].fill(0xa5);
    std::fs::write(&cache, bytes).expect("a file");
    place.billfold(&["sync"]).ok();
    let bills = place.billfold(&["bills", "list"]).ok();
    assert_eq!(items(&bills).len(), 1, "{bills}");
}

#[test]
fn files_that_are_no_export_and_amounts_that_are_none_are_refused_with_the_next_step() {
    let place = Place::new().with_account();
    let deep = format!("<OFX>{}", "<A>".repeat(200_000));
    let huge = vec![b'x'; 100 * 1024 * 1024];
    let whole = card_export(&[(&ofx_day(3), "-77.31", "a", "Shop")]);
    let cut = &whole[..whole.len() / 2];
    let cases: [(&str, &[u8], &[&str]); 6] = [
        ("empty.ofx", b"", &["file_empty"]),
        ("text.ofx", b"Dear customer, here is nothing.", &["not_a_known_format"]),
        ("picture.ofx", &[0x89, b'P', b'N', b'G', 0, 1, 2, 3], &["not_a_known_format"]),
        ("deep.ofx", deep.as_bytes(), &["file_damaged", "file_too_large", "not_a_known_format"]),
        ("huge.ofx", &huge, &["not_a_known_format", "file_too_large"]),
        ("cut.ofx", cut.as_bytes(), &["file_damaged"]),
    ];
    for (name, bytes, codes) in cases {
        let file = place.file(name, bytes);
        let done = place.billfold(&["import", &file]);
        if name == "cut.ofx" && done.exit == 0 {
            // A cut file may still give its whole lines; then it says what is missing.
            assert!(!done.json["warnings"].as_array().expect("a list").is_empty(), "{}", done.json);
            continue;
        }
        let code = done.refused(1);
        assert!(codes.contains(&code.as_str()), "{name}: {code}");
    }
    assert_eq!(place.billfold(&["import", "/nowhere/at/all.ofx"]).refused(1), "file_failed");
    for (amount, currency) in
        [("1.005", "USD"), ("99999999999999999999", "USD"), ("0", "USD"), ("-5", "USD"), ("12", "QQQ")]
    {
        let done = place.billfold(&[
            "bills",
            "add",
            "--name",
            "X",
            &format!("--amount={amount}"),
            "--currency",
            currency,
            "--every",
            "month",
        ]);
        assert!([1, 2].contains(&done.exit), "{amount} {currency}: {} {}", done.json, done.words);
    }
    assert!(items(&place.billfold(&["bills", "list"]).ok()).is_empty());
    assert_eq!(place.billfold(&["frobnicate"]).exit, 2, "wrong usage");
    assert_eq!(place.billfold(&["pay", "Nothing"]).refused(1), "not_found");
}

#[test]
fn an_address_that_is_no_server_is_told_apart() {
    let place = Place::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let url = format!("http://localhost:{}", closed.port());
    assert_eq!(place.billfold(&["sign-in", "--server", &url, "--no-browser"]).refused(4), "server_unreachable");
    assert_eq!(
        place.billfold(&["sign-in", "--server", "http://accounts.example.org", "--no-browser"]).refused(1),
        "insecure_address"
    );
    assert_eq!(place.billfold(&["bills", "list"]).refused(3), "no_account");
    assert_eq!(place.billfold(&["devices"]).refused(3), "no_account", "nothing is locked where nothing is");
}

#[test]
fn without_a_keyring_the_first_command_names_the_way_without_one() {
    let place = Place::without_keyring();
    let refused = place.billfold_bare(&["account", "create", "--local", "--name", "Ines Calloway"]);
    let next = refused.json["error"]["next"].as_str().unwrap_or_default().to_owned();
    assert!(refused.refused(3).starts_with("keyring_"));
    assert!(next.contains("--passphrase-file"), "there is no recovery key yet to repair with: {next}");
    drop(place.with_account());
}

#[test]
fn without_a_display_the_window_says_so_and_the_commands_work() {
    let place = Place::new().with_account();
    for display in ["", ":4095", "nowhere.invalid:0"] {
        assert_eq!(place.window_on(display).refused(1), "no_display", "{display:?}");
    }
    assert_eq!(place.billfold(&["status"]).ok()["phase"], "ready");
}

#[test]
fn who_was_away_for_months_is_still_at_home_on_this_computer() {
    let place = Place::new().with_account();
    place.billfold(&["bills", "add", "--name", "Rent", "--amount", "950", "--every", "month"]).ok();
    for off in ["+20d", "+200d"] {
        place.billfold_at(off, &["sync"]);
        let status = place.billfold_at(off, &["status"]).ok();
        assert_eq!(status["signed_in"], true, "{off}: {status}");
        place.billfold_at(off, &["sync"]).ok();
    }
    assert_eq!(items(&place.billfold_at("+200d", &["bills", "list"]).ok()).len(), 1);
}

#[test]
fn signing_the_device_of_an_account_of_this_computer_out_ends_its_session_and_keeps_the_account() {
    let place = Place::new().with_account();
    place.billfold(&["bills", "add", "--name", "Rent", "--amount", "950.00", "--every", "month", "--day", "1"]).ok();
    let device = place.billfold(&["devices"]).ok()["items"][0]["id"].as_str().expect("an id").to_owned();
    place.billfold(&["devices", "--sign-out", &device]).ok();
    place.billfold(&["sync"]).ok();
    let status = place.billfold(&["status"]).ok();
    assert_eq!((&status["phase"], &status["signed_in"]), (&json!("ready"), &json!(true)), "it is let in again");
    assert_eq!(items(&place.billfold(&["bills", "list"]).ok()).len(), 1);
}

//! The account server's pages in Spanish and German, as the app of the person asks for them: in a window of 320 pixels, by
//! keyboard, with axe on each page, in a browser whose own language is English.

use flows::browser::Browser;
use flows::place::Place;
use flows::server::{Engine, Server};
use flows::sign_in::address_in;
use thirtyfour::Key;

const WIDTH: u32 = 320;
const PASSWORD: &str = "hollow reed lantern";

/// What stands on the pages, in the order in which they come.
struct Words {
    locale: &'static str,
    language: &'static str,
    create: &'static str,
    choose: &'static str,
    guessable: &'static str,
    set_up: &'static str,
    mismatch: &'static str,
    let_in: &'static str,
    back: &'static str,
    approve: &'static str,
    leaves: &'static str,
    because: &'static str,
    done: &'static str,
    recovery: &'static str,
}

const SPANISH: Words = Words {
    locale: "es_MX.UTF-8",
    language: "es",
    create: "Crea tu cuenta",
    choose: "Elige una contraseña",
    guessable: "Es fácil de adivinar",
    set_up: "Configura una aplicación",
    mismatch: "Bloq Mayús",
    let_in: "¿Dejar entrar a esta aplicación?",
    back: "Puedes cerrar esta página",
    approve: "¿Aprobar este pago?",
    leaves: "Sale el",
    because: "es el primer pago a este destinatario",
    done: "Hecho",
    recovery: "Volver a entrar",
};

const GERMAN: Words = Words {
    locale: "de_AT.UTF-8",
    language: "de",
    create: "Legen Sie Ihr Konto an",
    choose: "Wählen Sie ein Passwort",
    guessable: "leicht zu erraten",
    set_up: "Richten Sie eine Authentifizierungs-App ein",
    mismatch: "Feststelltaste",
    let_in: "Diese App hereinlassen?",
    back: "Sie können diese Seite schließen",
    approve: "Diese Zahlung freigeben?",
    leaves: "Geht ab am",
    because: "es die erste Zahlung an diesen Empfänger ist",
    done: "Erledigt",
    recovery: "Wieder hineinkommen",
};

/// Waits for these words and looks at the page that has them.
async fn look(browser: &Browser, words: &Words, on_it: &str) {
    browser.wait_for(on_it).await;
    browser.assert_fits_and_speaks(words.language).await;
    browser.assert_accessible().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_fit_and_speak_spanish_as_the_app_does() {
    the_pages_fit_and_speak_as_the_app_does(&SPANISH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_fit_and_speak_german_as_the_app_does() {
    the_pages_fit_and_speak_as_the_app_does(&GERMAN).await;
}

async fn the_pages_fit_and_speak_as_the_app_does(words: &Words) {
    let Some(mut server) = Server::start(Engine::Sqlite, &["--policy", "personal"]) else { return };
    let url = server.url();
    let desk = Place::new().reading(words.locale);
    let browser = Browser::start().await;
    browser.narrow(WIDTH).await;

    // The pages of a password, as far as its authenticator app.
    let app = desk.start(&["sign-in", "--server", &url, "--create", "--no-browser"]);
    browser.go(&address_in(&app, &url)).await;
    look(&browser, words, words.create).await;
    browser.tab_to("a[href='/sign-in/create/password']").await;
    browser.type_keys(Key::Enter).await;
    browser.focused("#name").await;
    look(&browser, words, words.create).await;
    browser.type_keys("Ines Calloway").await;
    browser.tab_to("#account").await;
    browser.type_keys("Ines" + Key::Enter).await;
    look(&browser, words, words.choose).await;
    browser.type_keys("iloveyou22" + Key::Enter).await;
    look(&browser, words, words.guessable).await;
    browser.type_keys(PASSWORD.to_owned() + Key::Enter).await;
    look(&browser, words, words.set_up).await;
    browser.go(&format!("{url}/sign-in/password")).await;
    browser.focused("#name").await;
    browser.type_keys("Nobody-12345").await;
    browser.tab_to("#password").await;
    browser.type_keys(PASSWORD.to_owned() + Key::Enter).await;
    look(&browser, words, words.mismatch).await;
    app.kill();

    // A passkey, which makes the account.
    let mut app = desk.start(&["sign-in", "--server", &url, "--create", "--no-browser"]);
    browser.go(&address_in(&app, &url)).await;
    browser.tab_to("#name").await;
    browser.type_keys("Ines Calloway" + Key::Enter).await;
    look(&browser, words, words.let_in).await;
    browser.tab_to("#yes").await;
    browser.type_keys(Key::Enter).await;
    app.wait_end();
    look(&browser, words, words.back).await;

    // What a payment's yes is about.
    let phone = ["bills", "add", "--name", "Phone", "--amount", "40", "--every", "month", "--payee", "Meridian Mobile"];
    desk.billfold(&phone).ok();
    desk.billfold(&["sync"]).ok();
    let mut app = desk.start(&["pay", "Phone", "--no-browser"]);
    let line = app.wait_for(&format!("{url}/sign-in/step-up/open"));
    browser.go(line.split_whitespace().find(|word| word.starts_with(&url)).expect("an address")).await;
    look(&browser, words, words.approve).await;
    let page = browser.text().await;
    for fact in ["Meridian Mobile", "40.00 USD", words.leaves, words.because] {
        assert!(page.contains(fact), "{fact} on {page}");
    }
    browser.tab_to("#step-up").await;
    browser.type_keys(Key::Enter).await;
    look(&browser, words, words.done).await;
    app.wait_end();

    browser.go(&format!("{url}/sign-in/recovery?ui_locales={}", words.language)).await;
    look(&browser, words, words.recovery).await;
    browser.quit().await;
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}

//! Which language a page of this server speaks: the one that the app asked for, else the first of the browser's that
//! there are words in. It chooses words and nothing else: no decision, digest or cost depends on it.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use domain::addresses::Language;
use serde::Deserialize;

/// Languages of one request that are looked at; browsers name a handful.
const TAGS_MAX: usize = 32;

/// The language of a page that belongs to no visit, or to one that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted(pub Language);

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(of_request(parts)))
    }
}

/// What a page before this one knew stands in the address; else the browser says it.
#[derive(Deserialize)]
struct Asked {
    ui_locales: String,
}

pub(crate) fn of_request(parts: &Parts) -> Language {
    let asked = Query::<Asked>::try_from_uri(&parts.uri).ok();
    asked.and_then(|Query(asked)| of_locales(&asked.ui_locales)).unwrap_or_else(|| of_browser(&parts.headers))
}

/// The first that we have words in of tags parted by spaces, best first (`OpenID` Connect 3.1.2.1).
pub(crate) fn of_locales(locales: &str) -> Option<Language> {
    Language::first_of(locales.split_ascii_whitespace().take(TAGS_MAX))
}

/// The language that a caller would have its answers in (RFC 9110 12.5.4); none when it says none that we have words in.
pub(crate) fn of_caller(headers: &HeaderMap) -> Option<Language> {
    let said = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut tags: Vec<(&str, f32)> = said.split(',').take(TAGS_MAX).filter_map(weighed).collect();
    // Of two that weigh the same, the first.
    tags.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    Language::first_of(tags.into_iter().map(|(tag, _)| tag))
}

fn of_browser(headers: &HeaderMap) -> Language {
    of_caller(headers).unwrap_or_default()
}

/// A tag and its weight; nothing when it is one that is not wanted, or does not read.
fn weighed(part: &str) -> Option<(&str, f32)> {
    let (tag, weight) = match part.split_once(';') {
        Some((tag, more)) => (tag, more.trim().strip_prefix("q=")?.trim().parse().ok()?),
        None => (part, 1.0),
    };
    (weight > 0.0).then(|| (tag.trim(), weight))
}

/// The address of a page that goes on in this language.
pub(crate) fn address(page: &str, language: Language) -> String {
    format!("{page}?ui_locales={}", language.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn caller(said: &'static str) -> Option<Language> {
        of_caller(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(said))]))
    }

    #[test]
    fn the_best_language_that_there_are_words_in_is_taken() {
        for (said, taken) in [
            ("de-AT,de;q=0.9,en;q=0.8", Some(Language::De)),
            ("fr-CH, fr;q=0.9, es;q=0.8, de;q=0.7, *;q=0.5", Some(Language::Es)),
            ("en;q=0.1, ES-mx", Some(Language::Es)),
            ("de;q=0, en", Some(Language::En)),
            ("de; q=0.5, es ; q=0.6", Some(Language::Es)),
            ("de_DE", Some(Language::De)),
            ("fr", None),
            ("*", None),
            ("deutsch", None),
            ("de;level=1", None),
            (";;,,=", None),
            ("", None),
        ] {
            assert_eq!(caller(said), taken, "{said}");
        }
        assert_eq!(of_caller(&HeaderMap::new()), None);
        let many = "fr,".repeat(TAGS_MAX) + "de";
        assert_eq!(caller(String::leak(many)), None, "no more than a browser says is looked at");
    }

    #[test]
    fn an_app_names_the_best_first() {
        assert_eq!(of_locales("fr-CA es en"), Some(Language::Es));
        assert_eq!(of_locales("de"), Some(Language::De));
        assert_eq!(of_locales("fr"), None);
        assert_eq!(of_locales(""), None);
    }

    #[test]
    fn what_the_address_says_goes_before_the_browser() {
        let parts = |address: &str| {
            let request = axum::http::Request::builder().uri(address).header(header::ACCEPT_LANGUAGE, "es");
            of_request(&request.body(()).unwrap().into_parts().0)
        };
        assert_eq!(parts(&address("/sign-in/step-up/done", Language::De)), Language::De);
        assert_eq!(parts("/sign-in/step-up/done?ui_locales=fr"), Language::Es);
        assert_eq!(parts("/sign-in/step-up/done?ui_locales=fr&ui_locales=de"), Language::Es, "said twice is not said");
        assert_eq!(parts("/sign-in/step-up/done"), Language::Es);
    }
}

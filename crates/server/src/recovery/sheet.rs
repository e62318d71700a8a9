//! The recovery sheet: the saved code on paper, with what to do with it.

use std::num::NonZeroU16;

use domain::addresses::Language;
use domain::recovery::SavedCode;
use jiff::civil::Date;
use krilla::tagging::{ArtifactType, Tag, TagTree};

use crate::paper::{
    LEFT, PAGE_HEIGHT, PaperError, RIGHT, SMALL, TITLE, TOP, Word, artifact, cell, content, document, faces, finish,
    page_settings, rule,
};

const CODE: f32 = 19.0;
const STEP: f32 = 18.0;

pub(super) struct Sheet<'a> {
    pub code: &'a SavedCode,
    /// The server's name, and where its code is typed, so that the paper says what it is for. The person's name stays off it.
    pub server: &'a str,
    pub address: &'a str,
    pub made_on: Date,
    pub language: Language,
}

struct Words {
    title: &'static str,
    made: &'static str,
    code: &'static str,
    steps: [&'static str; 5],
}

const fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &Words {
            title: "Recovery sheet",
            made: "Made",
            code: "Your code",
            steps: [
                "Keep this sheet where you keep passports, not beside the computer. Do not photograph it.",
                "It gets you back in together with a code by e-mail, or with a device that is still signed in.",
                "Open the address above and type both codes.",
                "Nobody from us will ever ask you for this code.",
                "A new code makes this one useless: then throw this sheet away.",
            ],
        },
        Language::Es => &Words {
            title: "Hoja de recuperación",
            made: "Creada el",
            code: "Tu código",
            steps: [
                "Guarda esta hoja donde guardas los pasaportes, no junto al ordenador. No le hagas fotos.",
                "Te deja volver a entrar junto con un código por correo, o con un dispositivo que siga con sesión.",
                "Abre la dirección de arriba y escribe los dos códigos.",
                "Nadie de nuestra parte te pedirá jamás este código.",
                "Un código nuevo deja este sin valor: entonces tira esta hoja.",
            ],
        },
        Language::De => &Words {
            title: "Wiederherstellungsblatt",
            made: "Erstellt am",
            code: "Ihr Code",
            steps: [
                "Bewahren Sie dieses Blatt bei Ihren Ausweisen auf, nicht beim Computer. Fotografieren Sie es nicht.",
                "Mit einem Code per E-Mail oder einem noch angemeldeten Gerät bringt es Sie wieder hinein.",
                "Öffnen Sie die Adresse oben und geben Sie beide Codes ein.",
                "Niemand von uns wird Sie je nach diesem Code fragen.",
                "Ein neuer Code macht diesen wertlos: werfen Sie dieses Blatt dann weg.",
            ],
        },
    }
}

/// The bytes of the PDF.
pub(super) fn render(sheet: &Sheet<'_>) -> Result<Vec<u8>, PaperError> {
    let (faces, words) = (faces()?, words(sheet.language));
    let title = format!("{}: {}", words.title, sheet.server);
    let mut document = document(&title, sheet.server, sheet.language.as_str())?;
    let mut tree = TagTree::new().with_lang(Some(sheet.language.as_str().to_owned()));
    let mut page = document.start_page_with(page_settings()?);
    let mut surface = page.surface();
    let width = RIGHT - LEFT;
    let mut y = TOP;
    let id = content(&mut surface, faces, &Word::new(words.title, LEFT, y).bold().sized(TITLE).within(width));
    tree.push(cell(Tag::Hn(NonZeroU16::MIN, Some(title.clone())), id));
    y += 24.0;
    let place = format!("{}, {}", sheet.server, sheet.address);
    let id = content(&mut surface, faces, &Word::new(&place, LEFT, y).sized(11.0).within(width));
    tree.push(cell(Tag::P, id));
    y += STEP;
    let made = format!("{} {}", words.made, sheet.made_on);
    let id = content(&mut surface, faces, &Word::new(&made, LEFT, y).quiet());
    tree.push(cell(Tag::P, id));
    y += 40.0;
    let id = content(&mut surface, faces, &Word::new(words.code, LEFT, y).quiet());
    tree.push(cell(Tag::P, id));
    y += 28.0;
    let code = sheet.code.expose();
    let id = content(&mut surface, faces, &Word::new(&code, LEFT, y).bold().sized(CODE).within(width));
    tree.push(cell(Tag::P, id));
    y += 20.0;
    rule(&mut surface, y);
    y += 28.0;
    for (number, step) in (1..).zip(words.steps) {
        let step = format!("{number}. {step}");
        let id = content(&mut surface, faces, &Word::new(&step, LEFT, y).sized(10.0).within(width));
        tree.push(cell(Tag::P, id));
        y += STEP;
    }
    let foot = Word::new(sheet.address, LEFT, PAGE_HEIGHT - 36.0).quiet().sized(SMALL);
    artifact(&mut surface, faces, &foot, ArtifactType::Footer);
    surface.finish();
    page.finish();
    finish(document, title, tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_is_accessible_in_every_language_and_holds_the_code_whole() {
        let code = SavedCode::new([0x5a; 16]);
        for language in Language::ALL {
            let sheet = Sheet {
                code: &code,
                server: "Our server",
                address: "https://accounts.example.org/sign-in/recovery",
                made_on: jiff::civil::date(2027, 3, 1),
                language,
            };
            let bytes = render(&sheet).expect("a sheet");
            assert!(bytes.starts_with(b"%PDF-"));
            for step in words(language).steps {
                let room = faces().expect("fonts").fits(&format!("5. {step}"), 10.0, RIGHT - LEFT);
                assert!(room, "cut short: {step}");
            }
            assert!(faces().expect("fonts").fits(&code.expose(), CODE, RIGHT - LEFT), "the code is whole");
        }
    }
}

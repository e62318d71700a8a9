//! Codes of an authenticator app (TOTP, RFC 6238): six digits each 30 seconds, of a key that both sides keep. Which step
//! was used last is the store's business.

use jiff::Timestamp;
use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};
use totp_rs::{Builder, Totp};

/// Bytes of a key, as RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
/// Light squares around a code, which readers need.
const QUIET: i32 = 4;
/// Characters that are read at a time.
const GROUP: usize = 4;

/// A key, with the names that the authenticator app shows.
pub struct Authenticator(Totp);

impl Authenticator {
    pub fn new(secret: &[u8], account: &str, server: &str) -> Option<Self> {
        // A colon would end the name.
        let plain = |text: &str| text.replace(':', " ");
        let builder = Builder::new().with_secret(secret.to_vec());
        builder.with_account_name(plain(account)).with_issuer(Some(plain(server))).build().ok().map(Self)
    }

    /// A key to check codes with.
    pub fn checking(secret: &[u8]) -> Option<Self> {
        Builder::new().with_secret(secret.to_vec()).build().ok().map(Self)
    }

    /// The step whose code this is, one before or after now at most.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let step = self.0.check(&digits, u64::try_from(now.as_second()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// The address that authenticator apps understand.
    pub fn address(&self) -> Option<String> {
        self.0.to_url().ok()
    }

    /// The key as a person types it.
    pub fn key(&self) -> String {
        let text = self.0.secret().to_base32();
        let groups: Vec<&str> =
            text.as_bytes().chunks(GROUP).filter_map(|part| std::str::from_utf8(part).ok()).collect();
        groups.join(" ")
    }

    /// The address as a picture of one path. Its colours are classes, since the page allows no style of its own.
    pub fn picture(&self, label: &str) -> Option<Markup> {
        let code = QrCode::encode_text(&self.address()?, QrCodeEcc::Medium).ok()?;
        let size = code.size() + 2 * QUIET;
        let mut path = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
            }
        }
        let frame = format!("0 0 {size} {size}");
        Some(html! {
            svg.qr viewBox=(frame) role="img" aria-label=(label) shape-rendering="crispEdges" {
                rect class="light" width=(size) height=(size) {}
                path class="dark" d=(path) {}
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standards_table() {
        // RFC 6238, appendix B, the last six of its eight digits.
        let key = Authenticator::checking(SECRET).unwrap();
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(key.step_of(code, at(second)), Some(second / 30), "{code}");
            assert_eq!(key.step_of(code, at(second + 30)), Some(second / 30), "one step late: {code}");
            assert_eq!(key.step_of(code, at(second + 90)), None, "{code}");
        }
        assert_eq!(key.step_of(" 287 082 ", at(59)), Some(1));
        for wrong in ["", "28708", "2870820", "abcdef", "２８７０８２"] {
            assert_eq!(key.step_of(wrong, at(59)), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_address_names_account_and_server_and_the_key_is_readable() {
        let key = Authenticator::new(SECRET, "ines:48271", "Tern Harbor").unwrap();
        let address = key.address().unwrap();
        assert!(address.starts_with("otpauth://totp/Tern%20Harbor:ines%2048271?secret="), "{address}");
        assert!(address.contains("issuer=Tern%20Harbor"));
        assert_eq!(key.key(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let picture = key.picture("QR code").unwrap().into_string();
        assert!(picture.contains("viewBox=\"0 0 ") && !picture.contains("style"), "{picture}");
    }
}

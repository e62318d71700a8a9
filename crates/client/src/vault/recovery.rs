//! The recovery key: what a person keeps on paper, and the one thing that opens the data when keyring or passphrase are
//! lost.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use super::VaultError;
use crate::platform::{Chance, Secret};
use crate::seal::{SealKey, derive};

const SYMBOLS: usize = 25;

/// 25 base32 symbols, 125 bits. Shown once, in five groups; opens the data when keyring or passphrase are lost.
#[derive(Clone)]
pub struct RecoveryKey(Zeroizing<String>);

impl RecoveryKey {
    pub(super) fn new(chance: &dyn Chance) -> Self {
        let bytes = Secret::random(chance);
        let mut symbols = Zeroizing::new(BASE32_NOPAD.encode(bytes.expose()));
        symbols.truncate(SYMBOLS);
        Self(symbols)
    }

    /// Reads what a person typed: any case, with or without spaces and dashes; 0, 1 and 8 for O, I and B.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let symbols: Zeroizing<String> = Zeroizing::new(
            text.chars()
                .filter(|c| c.is_alphanumeric())
                .map(|c| match c.to_ascii_uppercase() {
                    '0' => 'O',
                    '1' => 'I',
                    '8' => 'B',
                    other => other,
                })
                .collect(),
        );
        let known = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
        if symbols.len() != SYMBOLS || !symbols.chars().all(known) {
            return Err(VaultError::WrongRecoveryKey);
        }
        Ok(Self(symbols))
    }

    /// For the person's eyes, once: `ABCDE-FGHIJ-…`.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let groups: Vec<&str> = (0..SYMBOLS / 5).map(|n| &self.0[n * 5..n * 5 + 5]).collect();
        Zeroizing::new(groups.join("-"))
    }

    pub(super) fn wrapping_key(&self, salt: &[u8]) -> SealKey {
        derive(self.0.as_bytes(), salt, b"billfold recovery")
    }
}

impl std::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

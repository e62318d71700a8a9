//! The ways into an account and the rules that keep at least one: a passkey is one by itself, a password is one only
//! together with a second factor. What makes a password long enough stands here too; how easily one is guessed does not.

use serde::{Deserialize, Serialize};

/// What a person shows beside their password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum FactorKind {
    /// Codes of an authenticator app (TOTP, RFC 6238).
    Totp,
    /// A code sent to a confirmed e-mail address.
    Email,
    /// A code sent to a confirmed telephone number.
    Text,
}

/// What an account has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaysIn {
    pub passkeys: usize,
    pub password: Option<PasswordWay>,
    pub factors: Vec<FactorKind>,
}

/// A password, without the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordWay {
    /// It is long enough to stand beside a factor that is weak by itself.
    pub long: bool,
    /// Its owner keeps it beside two passkeys.
    pub kept: bool,
}

/// Whether a password lets somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum PasswordState {
    On,
    /// There is no second factor to go with it.
    NeedsFactor,
    /// Two passkeys are there, and its owner did not keep it.
    OffBesidePasskeys,
}

/// Something that an account may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Passkey,
    Password,
    Factor(FactorKind),
}

/// Nobody could sign in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody could sign in any more")]
pub struct LastWayIn;

impl WaysIn {
    /// From so many passkeys on, a password is off unless its owner keeps it.
    pub const PASSKEYS_INSTEAD: usize = 2;

    /// None without a password.
    #[must_use]
    pub fn password_state(&self) -> Option<PasswordState> {
        let password = self.password?;
        let state = if self.passkeys >= Self::PASSKEYS_INSTEAD && !password.kept {
            PasswordState::OffBesidePasskeys
        } else if self.factors.iter().any(|factor| password.goes_with(*factor)) {
            PasswordState::On
        } else {
            PasswordState::NeedsFactor
        };
        Some(state)
    }

    /// How many ways there are by which somebody gets in.
    #[must_use]
    pub fn count(&self) -> usize {
        self.passkeys + usize::from(self.password_state() == Some(PasswordState::On))
    }

    /// Whether this may go: never when it leaves an account that people sign in to without a way to. An account that has
    /// none, on its owner's computer alone, loses none.
    pub fn may_lose(&self, loss: Loss) -> Result<(), LastWayIn> {
        if self.count() > 0 && self.without(loss).count() == 0 { Err(LastWayIn) } else { Ok(()) }
    }

    fn without(&self, loss: Loss) -> Self {
        let mut left = self.clone();
        match loss {
            Loss::Passkey => left.passkeys = left.passkeys.saturating_sub(1),
            Loss::Password => left.password = None,
            Loss::Factor(kind) => {
                if let Some(at) = left.factors.iter().position(|factor| *factor == kind) {
                    left.factors.remove(at);
                }
            }
        }
        left
    }
}

impl PasswordWay {
    /// A code that is sent can be caught on its way, so a short password does not go with it.
    #[must_use]
    pub const fn goes_with(self, factor: FactorKind) -> bool {
        match factor {
            FactorKind::Totp => true,
            FactorKind::Email | FactorKind::Text => self.long,
        }
    }
}

/// Characters that a password has beside an authenticator app (NIST SP 800-63B-4).
pub const PASSWORD_LEAST: usize = 8;
/// Characters of one that is called long.
pub const PASSWORD_LONG: usize = 15;
/// More than anybody types; a limit on what is hashed.
pub const PASSWORD_MOST: usize = 256;

/// Why a password is not taken. What it is made of does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password is too short")]
    TooShort { least: usize },
    #[error("the password is too long")]
    TooLong,
    #[error("the password is easily guessed")]
    Guessable,
}

/// Looks at a password's length alone; tells whether it is a long one.
pub fn password_length(password: &str) -> Result<bool, PasswordError> {
    let length = password.chars().count();
    if length < PASSWORD_LEAST {
        return Err(PasswordError::TooShort { least: PASSWORD_LEAST });
    }
    if length > PASSWORD_MOST {
        return Err(PasswordError::TooLong);
    }
    Ok(length >= PASSWORD_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Option<PasswordWay> = Some(PasswordWay { long: false, kept: false });
    const LONG: Option<PasswordWay> = Some(PasswordWay { long: true, kept: false });
    const KEPT: Option<PasswordWay> = Some(PasswordWay { long: false, kept: true });

    fn ways(passkeys: usize, password: Option<PasswordWay>, factors: &[FactorKind]) -> WaysIn {
        WaysIn { passkeys, password, factors: factors.to_vec() }
    }

    #[test]
    fn a_password_is_a_way_in_only_with_a_factor_that_it_goes_with() {
        use FactorKind::*;
        use PasswordState::*;
        type Case = (usize, Option<PasswordWay>, &'static [FactorKind], Option<PasswordState>);
        let cases: [Case; 10] = [
            (0, None, &[Totp], None),
            (0, SHORT, &[], Some(NeedsFactor)),
            (0, SHORT, &[Totp], Some(On)),
            (0, SHORT, &[Email], Some(NeedsFactor)),
            (0, SHORT, &[Text, Totp], Some(On)),
            (0, LONG, &[Email], Some(On)),
            (1, SHORT, &[Totp], Some(On)),
            (2, LONG, &[Totp], Some(OffBesidePasskeys)),
            (2, KEPT, &[Totp], Some(On)),
            (2, KEPT, &[], Some(NeedsFactor)),
        ];
        for (passkeys, password, factors, state) in cases {
            let ways = ways(passkeys, password, factors);
            assert_eq!(ways.password_state(), state, "{ways:?}");
            assert_eq!(ways.count(), passkeys + usize::from(state == Some(On)), "{ways:?}");
        }
    }

    #[test]
    fn the_last_way_in_stays_whatever_it_is() {
        use FactorKind::*;
        let cases: [(WaysIn, Loss, bool); 11] = [
            (ways(1, None, &[]), Loss::Passkey, false),
            (ways(2, None, &[]), Loss::Passkey, true),
            (ways(1, SHORT, &[Totp]), Loss::Passkey, true),
            (ways(1, SHORT, &[]), Loss::Passkey, false),
            (ways(0, SHORT, &[Totp]), Loss::Password, false),
            (ways(0, SHORT, &[Totp]), Loss::Factor(Totp), false),
            (ways(0, SHORT, &[Totp, Totp]), Loss::Factor(Totp), true),
            (ways(0, SHORT, &[Totp, Email]), Loss::Factor(Totp), false),
            (ways(0, LONG, &[Totp, Email]), Loss::Factor(Totp), true),
            (ways(1, SHORT, &[Totp]), Loss::Factor(Totp), true),
            // On its owner's computer alone nobody signs in.
            (ways(0, None, &[Totp]), Loss::Factor(Totp), true),
        ];
        for (ways, loss, may) in cases {
            assert_eq!(ways.may_lose(loss).is_ok(), may, "{ways:?} without {loss:?}");
        }
    }

    #[test]
    fn a_second_passkey_turns_the_password_off_and_losing_it_turns_it_on_again() {
        let two = ways(2, SHORT, &[FactorKind::Totp]);
        assert_eq!(two.count(), 2);
        assert_eq!(two.without(Loss::Passkey).password_state(), Some(PasswordState::On));
    }

    #[test]
    fn length_is_counted_in_characters_and_nothing_else_is_asked() {
        assert_eq!(password_length("1234567"), Err(PasswordError::TooShort { least: 8 }));
        assert_eq!(password_length("ääääääää"), Ok(false));
        assert_eq!(password_length(&"x".repeat(15)), Ok(true));
        assert_eq!(password_length(&"界".repeat(256)), Ok(true));
        assert_eq!(password_length(&"x".repeat(257)), Err(PasswordError::TooLong));
    }
}

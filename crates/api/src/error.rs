//! Refusals: a code that programs decide on, as RFC 9457 problem details. Words for people live in the UI.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `application/problem+json`. `title` is plain English for whoever reads a log; it holds no amounts or names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// `https://billfold.invalid/problems/{code}`, an identifier and not an address.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub code: ErrorCode,
    /// The field that is wrong, as a JSON path, when one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// From then on it may be done, where waiting is the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub until: Option<Timestamp>,
    /// Names this request in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

macro_rules! codes {
    ($($(#[$about:meta])* $name:ident = $text:literal, $status:literal;)*) => {
        /// Every reason a server refuses for. The text is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode { $($(#[$about])* $name,)* }

        impl ErrorCode {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status that carries it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

codes! {
    /// The body or a parameter is not what the contract says.
    InvalidRequest = "invalid_request", 400;
    /// The `Idempotency-Key` header is missing.
    IdempotencyKeyMissing = "idempotency_key_missing", 400;
    /// No token, or one that is no longer good.
    NotSignedIn = "not_signed_in", 401;
    /// The proof of possession is missing, wrong or used.
    InvalidProof = "invalid_proof", 401;
    /// Make the proof again with the nonce of this answer.
    UseDpopNonce = "use_dpop_nonce", 401;
    /// This device was signed out; its copy must go.
    DeviceRevoked = "device_revoked", 401;
    Forbidden = "forbidden", 403;
    /// Known payees within the limits are paid; nothing new for now.
    AccountRestricted = "account_restricted", 403;
    /// No money leaves and no way in is added until the account is released.
    AccountLocked = "account_locked", 403;
    /// Support alone releases the account.
    AccountSuspended = "account_suspended", 403;
    /// This device was added too short a while ago for that.
    DeviceTooNew = "device_too_new", 403;
    /// A passkey was added too short a while ago for that.
    PasskeyTooNew = "passkey_too_new", 403;
    /// It needs a passkey, and the account has none.
    PasskeyNeeded = "passkey_needed", 403;
    /// Something is missing before paying; `field` names it, and `GET /api/v1/payments/ready` lists all.
    NotReady = "not_ready", 403;
    /// Support alone does that.
    SupportNeeded = "support_needed", 403;
    NotFound = "not_found", 404;
    /// Changed meanwhile: read it again.
    VersionConflict = "version_conflict", 409;
    /// Another device changed the same field since it was read; `field` names the first of them, and nothing was changed.
    ChangedMeanwhile = "changed_meanwhile", 409;
    /// The same request is being worked on.
    InProgress = "in_progress", 409;
    /// The same payee, amount and day under another id; say that it is meant.
    PossibleDuplicate = "possible_duplicate", 409;
    /// The order came after its `before`, and was not taken earlier: say yes to another day.
    DayPassed = "day_passed", 409;
    /// The payment has already left.
    TooLate = "too_late", 409;
    /// A charge is disputed within 60 days of its statement.
    DisputeTooLate = "dispute_too_late", 409;
    /// This reason was decided against for this purchase: only another one is looked at.
    ReasonDecided = "reason_decided", 409;
    /// A plan is chosen before the statement with the purchase closes.
    PlanTooLate = "plan_too_late", 409;
    /// The card is lost or closed, for good.
    CardOver = "card_over", 409;
    AlreadySettled = "already_settled", 409;
    /// Payments to this payee came back; nothing goes there until that was looked at.
    PayeeStopped = "payee_stopped", 409;
    /// The same payment came back for want of money: it may go again from `until` on, or, without one, not any more.
    CameBack = "came_back", 409;
    /// Nobody could sign in any more without it.
    LastWayIn = "last_way_in", 409;
    /// "Was this you?" about this device is asked on another one.
    AnswerElsewhere = "answer_elsewhere", 409;
    /// This is too unusual for the account; the owner is asked about it.
    Unusual = "unusual", 403;
    /// The same key came with another body.
    KeyReused = "key_reused", 422;
    InsufficientFunds = "insufficient_funds", 422;
    /// More than the credit that is left on the card.
    OverLimit = "over_limit", 422;
    /// More than what may be used of the rewards now.
    RewardsShort = "rewards_short", 422;
    /// The wallet takes no more, or not so much.
    WalletFull = "wallet_full", 422;
    /// The card takes no purchase now: it is frozen, lost or closed, or this one was declined.
    CardDeclined = "card_declined", 422;
    /// The card is lost or closed, and less than that is owed on it.
    AccountClosed = "account_closed", 422;
    /// The biller takes no payment through this server.
    NotPayable = "not_payable", 422;
    InvalidAmount = "invalid_amount", 422;
    UnknownCurrency = "unknown_currency", 422;
    InvalidDate = "invalid_date", 422;
    /// This text does not fit its limit.
    TooLong = "too_long", 422;
    /// No e-mail address or telephone number that can be written to.
    InvalidAddress = "invalid_address", 422;
    /// The address is in the list already.
    AddressKnown = "address_known", 409;
    /// This server has no way to send such a message.
    NotSentHere = "not_sent_here", 409;
    /// Not the digits that were sent.
    WrongCode = "wrong_code", 422;
    /// The code is too old, used or was tried too often: ask for a new one.
    CodeOver = "code_over", 422;
    /// The saved code has a slip in it: a symbol is missing or wrong. It counts as no guess.
    InvalidCode = "invalid_code", 422;
    /// Not the number of a card or bank account: a digit is missing or wrong; `field` says which number.
    InvalidNumber = "invalid_number", 422;
    /// This server practises: it takes practice numbers, no real ones.
    PracticeNumbersOnly = "practice_numbers_only", 422;
    /// The same card or bank account is there already.
    MethodKnown = "method_known", 409;
    /// Payments leave from it: replace it first.
    MethodInUse = "method_in_use", 409;
    /// Nothing can be drawn from this method: it is expired, frozen or gone.
    MethodNotDrawable = "method_not_drawable", 422;
    /// A limit on how many things an account may have.
    TooMany = "too_many", 422;
    /// A password has at least 8 characters.
    PasswordTooShort = "password_too_short", 422;
    /// The password is a common one, or made of what anybody would try first.
    PasswordGuessable = "password_guessable", 422;
    /// The cursor is from before a restore or too old: take a snapshot.
    CursorExpired = "cursor_expired", 410;
    PayloadTooLarge = "payload_too_large", 413;
    /// The client is too old for this server.
    UpgradeRequired = "upgrade_required", 426;
    RateLimited = "rate_limited", 429;
    Internal = "internal", 500;
    /// Busy, draining or unable to write: try again later.
    Unavailable = "unavailable", 503;
}

impl Problem {
    #[must_use]
    pub fn new(code: ErrorCode, title: impl Into<String>) -> Self {
        Self {
            kind: format!("https://billfold.invalid/problems/{}", code.as_str()),
            title: title.into(),
            status: code.status(),
            code,
            field: None,
            until: None,
            request_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_as_it_is_written() {
        for code in ErrorCode::ALL {
            let text = serde_json::to_string(code).expect("serialises");
            assert_eq!(text, format!("\"{}\"", code.as_str()));
        }
    }
}

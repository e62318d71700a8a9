//! One identifier type per kind of thing, so that a bill's id can never be passed for a payment's.
//! All are UUIDv7 (RFC 9562): whoever creates a thing makes its id, before anything is sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$about:meta])* $name:ident)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
        #[cfg_attr(feature = "bindings", derive(specta::Type))]
        pub struct $name(#[cfg_attr(feature = "bindings", specta(type = String))] Uuid);

        impl $name {
            /// A new id from the time it is made and 10 random bytes.
            #[must_use]
            pub fn new(made_at: Timestamp, chance: [u8; 10]) -> Self {
                let millis = u64::try_from(made_at.as_millisecond()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid())
            }

            #[must_use]
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// The person an account server keeps an account for. Every row on the server starts with it.
    HolderId
    /// One installation of the app that signed in.
    DeviceId
    /// A card or bank account, served here or linked.
    AccountId
    TransactionId
    BillId
    BillerId
    /// Made by the client before sending; it is the payment's idempotency key for ever.
    PaymentId
    /// One change that a device wants from the server; its idempotency key.
    MutationId
    StatementId
    /// One entry of the double-entry ledger; its postings sum to zero.
    EntryId
    PasskeyId
    /// One answer of the risk score.
    DecisionId
    /// An e-mail address or telephone number of a person.
    AddressId
    /// A code that was sent to one.
    CodeId
    /// A second factor beside a password.
    FactorId
    /// A purchase on a card that is paid by its own rules.
    PlanId
    /// Somebody who helps people.
    SupportAgentId
    SupportCaseId
    /// A code that somebody of support reads out.
    SupportCheckId
    SupportViewId
    SupportRequestId
    /// A bank account or card that payments are drawn from.
    MethodId
    /// Pay that comes again and again.
    IncomeId
    /// A bill that was found in transactions; made of what stays the same about it.
    SuggestionId
    /// Who sells, and may ask linked cards to pay.
    MerchantId
    /// A purchase on a card; the merchant makes the id.
    PurchaseId
    /// One capture or refund of a purchase; the merchant makes the id.
    PurchaseStepId
    /// A charge that its person says is wrong; the device makes the id.
    DisputeId
    /// An order at a merchant, who makes the id.
    OrderId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_version_7_uuid_that_sorts_by_time() {
        let early = BillId::new(Timestamp::from_second(1_000).expect("valid"), [255; 10]);
        let late = BillId::new(Timestamp::from_second(2_000).expect("valid"), [0; 10]);
        assert_eq!(early.as_uuid().get_version_num(), 7);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<BillId>(), Ok(early));
    }
}

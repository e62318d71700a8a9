//! Suggestions: each device finds recurring bills in its copy of the transactions; `PUT /api/v1/suggestions/{id}` keeps what
//! was answered to one, so that no device asks again, and `DELETE` takes that back. Both need an `Idempotency-Key`.

pub use domain::suggestions::SuggestionAnswer;

//! Pay days and the plan: `PUT` and `DELETE /api/v1/incomes/{id}` keep pay that comes again and again, and `PUT
//! /api/v1/plan` what the person wants of the plan. Each needs an `Idempotency-Key`; the plan itself is worked out by each
//! device from these and the bills.

pub use domain::paydays::Income;
pub use domain::plan::PlanWishes;

//! The directory of billers, kept on the device so that it can be searched offline.

pub use domain::billers::Biller;

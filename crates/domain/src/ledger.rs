//! Double entry: every movement is an entry whose postings sum to zero per currency and never change.

//! Views over records of every class, with hostile and with missing content.

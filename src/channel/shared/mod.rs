//! What several kinds share.

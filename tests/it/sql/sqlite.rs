//! The `sqlite` channel on real files.

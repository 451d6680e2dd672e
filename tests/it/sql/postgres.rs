//! The `postgres` channel on a real server.

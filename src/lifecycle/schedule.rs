//! Which instants a schedule names. A pure function of the definition and the time.

/// A schedule, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {}

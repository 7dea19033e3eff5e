//! The filesystem capability.

//! Fixtures of this module's tests.

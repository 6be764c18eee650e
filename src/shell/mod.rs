//! Command text to a syntax tree with spans. What it cannot resolve is an explicit `Dynamic`.
//!
//! Layer 0. No I/O; knows nothing of rules.

//! Changes, patchsets and approvals as a state machine; effect diff and source diff.
//!
//! Layer 1. Pure: objects and files come as arguments.

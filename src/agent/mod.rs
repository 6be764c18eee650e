//! Identity, fetch, verify, plan, apply, report: what runs as root on a node.
//!
//! Layer 2. Imports `model`, `signing`, `shell` and `policy::guard` only, so that what it trusts stays small.

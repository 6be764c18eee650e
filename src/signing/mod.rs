//! Keys, signatures, the trust root, thresholds, Merkle proofs, and deciding what an agent may accept.
//!
//! Layer 1. Deciding does no I/O and reads no clock: bytes, state and the time are arguments.

//! Changes from proposal to release: what is proposed, what it does, who has signed exactly that.
//!
//! Layer 1. Pure: objects, the time and randomness are arguments. The hooks on the server and the
//! reviewer's own clone run the same code over the same bytes, which is what makes a difference visible.

pub mod admission;
pub mod candidate;
pub mod certificate;
pub mod change;
pub mod effect;
pub mod escape;
pub mod message;
pub mod record;
pub mod render;
pub mod source;

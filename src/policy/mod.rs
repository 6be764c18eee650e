//! Rules, findings, waivers and reports. The same engine on authors' machines, at admission and in review.
//!
//! Layer 1. Does not know where it runs. `guard` is the part that the agent has too.

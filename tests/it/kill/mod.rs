//! Programs that are killed in the middle of their work, at any moment, with a signal that nobody can catch: what they left
//! behind is whole, nothing went back, and the next one of them works.
//!
//! A few rounds here, `scripts/drill kill` plays more. Where in its work a program is hit is chance; what must hold does
//! not depend on it.

mod agent;
mod hook;

use std::time::Duration;

/// How many rounds: `few`, or as many as `COUNTERSIGN_KILLS` says, or a tenth of that for what takes long.
fn rounds(few: usize, share: usize) -> usize {
    let wished = std::env::var("COUNTERSIGN_KILLS").ok().and_then(|text| text.parse::<usize>().ok());
    wished.map_or(few, |wished| wished / share)
}

/// Moments that follow from a seed (SplitMix64).
struct Moments(u64);

impl Moments {
    /// Some time between nothing and a little more than `whole`.
    fn within(&mut self, whole: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let part = u32::try_from((mixed >> 40) % 1100).unwrap();
        whole * part / 1000
    }
}

//! Attacks on the log: the node has seen how long it was, and what was in it.

use super::attack::Attack;
use super::evil::Evil;
use countersign::model::{Checkpoint, Digest};

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new("signs a log with fewer entries", "D50", "LOG_ROLLBACK", |world| {
            Evil::honest(world).stamped(world, |stamp| stamp.log_size = 1)
        }),
        Attack::new("signs that there is no log", "D50", "LOG_ROLLBACK", |world| {
            Evil::honest(world).stamped(world, |stamp| (stamp.log_size, stamp.log_root) = (0, None))
        }),
        Attack::new("signs a log of the same length with other entries", "D36 D50", "LOG_FORK", |world| {
            Evil::honest(world).stamped(world, |stamp| stamp.log_root = Some(Digest::of(b"another log")))
        }),
        Attack::new("signs a longer log that begins otherwise", "D36", "MISSING", |world| {
            Evil::honest(world).stamped(world, |stamp| {
                (stamp.log_size, stamp.log_root) = (stamp.log_size + 1, Some(Digest::of(b"another log")));
            })
        }),
        named("shows another log than the one that the people saw when they signed", "LOG_FORK", 1),
        named(
            "shows a shorter log than the one that the people saw when they signed",
            "LOG_ROLLBACK",
            1 << 20,
        ),
    ]
}

/// The people signed, at a proposal for which they were shown another log, of this size.
fn named(what: &'static str, code: &'static str, size: u64) -> Attack {
    Attack::new(what, "D36", code, move |world| {
        Evil::honest(world).restated(world, &["alice", "bob"], |release| {
            release.log = Some(Checkpoint { size, root: Digest::of(b"another log") });
        })
    })
}

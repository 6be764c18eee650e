//! Attacks on the log: the node has seen how long it was, and what was in it.

use super::attack::Attack;
use super::evil::Evil;
use countersign::model::Digest;

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
    ]
}

//! The clock on a node's wall: schedules mean its own time zone.

use super::host::Host;
use crate::model::Stamp;
use crate::model::resource::Wall;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const ZONE: &str = "/etc/localtime";
/// Bytes of a time zone, at most. The largest that is in use has less than 4,000.
const CAP: u64 = 64 << 10;

/// The moment `at` on the node's wall. A node without a time zone, or with one that cannot be read, has UTC.
#[must_use]
pub(super) fn wall(host: &Host, at: Stamp) -> Wall {
    let zone = host.read(ZONE, CAP).ok().and_then(|bytes| TimeZone::tzif(ZONE, &bytes).ok());
    let moment = Timestamp::from_second(at.unix()).unwrap_or_default();
    Wall::new(at, zone.map_or(0, |zone| zone.to_offset(moment).seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_the_time_of_its_own_zone() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::open(root.path()).unwrap();
        let (winter, summer) =
            ("2026-12-01T00:00:00Z".parse().unwrap(), "2026-07-01T00:00:00Z".parse().unwrap());
        assert_eq!(wall(&host, winter), Wall::new(winter, 0));
        // Version 1 of the format, and in version 2 only the rule of the last line: Central Europe.
        let empty = |version: &[u8]| [b"TZif", version, &[0; 15 + 16], &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        let local = [&[0, 0, 0x0e, 0x10, 0, 0], &b"\0"[..]].concat();
        let bytes =
            [empty(b"2"), local.clone(), empty(b"2"), local, b"\nCET-1CEST,M3.5.0,M10.5.0/3\n".to_vec()];
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/localtime"), bytes.concat()).unwrap();
        assert_eq!(wall(&host, winter), Wall::new(winter, 3_600));
        assert_eq!(wall(&host, summer), Wall::new(summer, 7_200));
        std::fs::write(root.path().join("etc/localtime"), "no zone").unwrap();
        assert_eq!(wall(&host, winter), Wall::new(winter, 0));
    }
}

//! The clock on a node's wall: schedules mean its own time zone, which its own `date` knows.

use super::host::{Host, Invocation};
use crate::model::resource::Wall;
use crate::model::{Catalog, Stamp};

/// The moment `at` on the node's wall, as far as the catalog has a schedule that asks for it. A node that cannot tell its
/// time zone has UTC.
#[must_use]
pub(super) fn wall(catalog: &Catalog, host: &Host, at: Stamp) -> Wall {
    let asks = catalog.resources.iter().any(|resource| resource.meta.schedule.is_some());
    Wall::new(at, if asks { east(host, at).unwrap_or(0) } else { 0 })
}

fn east(host: &Host, at: Stamp) -> Option<i32> {
    let moment = format!("@{}", at.unix());
    let outcome = host.run(&Invocation::of(&["date", "-d", &moment, "+%z"]).within(10)).ok()?;
    seconds(outcome.output.trim()).filter(|_| outcome.succeeded())
}

/// `+0130` in seconds.
fn seconds(text: &str) -> Option<i32> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = text.get(1..).filter(|rest| rest.len() == 4 && rest.bytes().all(|b| b.is_ascii_digit()))?;
    let (hours, minutes) = (digits[..2].parse::<i32>().ok()?, digits[2..].parse::<i32>().ok()?);
    Some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::{Notify, Schedule};
    use crate::model::{Meta, Resource, Spec};
    use std::process::Command;

    fn catalog(schedule: Option<Schedule>) -> Catalog {
        let meta = Meta { schedule: schedule.map(Box::new), ..Meta::of("m".parse().unwrap()) };
        let spec = Spec::Notify(Notify { message: "x".into() });
        let resources = vec![Resource { title: "x".into(), spec, meta }];
        Catalog::new("production".parse().unwrap(), "n".parse().unwrap(), Vec::new(), resources)
    }

    #[test]
    fn a_node_has_the_time_of_its_own_zone() {
        let at = "2026-07-01T00:00:00Z".parse().unwrap();
        let here = Command::new("date").args(["-d", "2026-07-01T00:00:00Z", "+%z"]).env_remove("TZ").output();
        let here = seconds(String::from_utf8(here.unwrap().stdout).unwrap().trim()).unwrap();
        let machine = Host::open(std::path::Path::new("/")).unwrap();
        assert_eq!(wall(&catalog(Schedule::builtin("daily")), &machine, at), Wall::new(at, here));
        // Where no schedule asks, or nobody can tell, it is UTC.
        assert_eq!(wall(&catalog(None), &machine, at), Wall::new(at, 0));
        let empty = tempfile::tempdir().unwrap();
        let host = Host::open(empty.path()).unwrap();
        assert_eq!(wall(&catalog(Schedule::builtin("daily")), &host, at), Wall::new(at, 0));
    }

    #[test]
    fn zones_are_east_or_west() {
        for (text, expected) in [
            ("+0000", Some(0)),
            ("+0545", Some(20_700)),
            ("-0330", Some(-12_600)),
            ("0100", None),
            ("+01:00", None),
            ("", None),
            ("+é00", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}

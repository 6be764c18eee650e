//! `systemd_unit`: a unit of systemd or settings added to one, as a file that systemd is told of.

use super::edited::{Edit, Edited};
use super::systemd;
use super::{Done, Failure, Known, Node, Plan, Type};
use crate::agent::host::Invocation;
use crate::model::resource::{Presence, SystemdUnit};

/// A unit.
pub(in crate::agent) struct UnitFile<'a>(pub(in crate::agent) &'a SystemdUnit);

impl Type for UnitFile<'_> {
    type Step = ();

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let unit = self.0;
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", unit.ensure.name().into()));
        let file = Edited::read(node, &unit.file())?;
        let text = unit.text();
        let edit = match (file.exists(), unit.ensure) {
            (false, Presence::Absent) => None,
            (true, Presence::Absent) => Some(Edit::ensure(String::new(), "present", "absent", "removed")),
            (false, Presence::Present) => Some(Edit::ensure(text, "absent", "present", "created")),
            (true, Presence::Present) => {
                plan.wanted.push(("content", text.clone()));
                let differs = file.text() != text;
                differs.then(|| Edit {
                    property: "content",
                    ..Edit::ensure(text, "other", "as wanted", "content changed")
                })
            }
        };
        if let Some(edit) = edit {
            file.plan(&mut plan, edit, true, ());
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        let unit = self.0;
        let path = unit.file();
        let file = Edited::read(node, &path)?;
        match unit.ensure {
            Presence::Present => {
                if let Some((folder, _)) = path.rsplit_once('/')
                    && node.host.stat(folder)?.is_none()
                {
                    node.host.make_directory(folder, 0o755)?;
                }
                file.write(node, &unit.text(), 0o644)?;
            }
            Presence::Absent => node.host.remove(&path)?,
        }
        if systemd::is_running(node)? {
            node.tool(&Invocation::of(&["systemctl", "--no-ask-password", "daemon-reload"]))?;
        }
        Ok(Done::quietly())
    }

    fn forget(&self, known: &mut Known) {
        known.forget_file(&self.0.file());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::model::Spec;
    use crate::model::resource::Kind;

    fn unit(attributes: &str) -> SystemdUnit {
        match Spec::read(Kind::SystemdUnit, serde_json::from_str(attributes).unwrap()).unwrap() {
            Spec::SystemdUnit(unit) => unit,
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_unit_is_written_in_sections_and_removed() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/etc/systemd/system")).unwrap();
        let timer = unit(
            r#"{"name": "b.timer", "install": {"WantedBy": ["timers.target"]}, "timer": {"OnCalendar": ["daily", "12:00"]}}"#,
        );
        assert_eq!(place.apply(&UnitFile(&timer)), said(&["created"]));
        let text = "[Timer]\nOnCalendar=daily\nOnCalendar=12:00\n\n[Install]\nWantedBy=timers.target\n";
        assert_eq!(place.read("/etc/systemd/system/b.timer"), text);
        place.put("/etc/systemd/system/b.timer", "[Timer]\n", 0o644);
        assert_eq!(place.apply(&UnitFile(&timer)), said(&["content changed"]));
        let gone = unit(r#"{"name": "b.timer", "ensure": "absent"}"#);
        assert_eq!(place.apply(&UnitFile(&gone)), said(&["removed"]));
        assert!(!place.at("/etc/systemd/system/b.timer").exists());
    }

    #[test]
    fn a_dropin_stands_beside_the_unit_of_a_package() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/etc/systemd/system")).unwrap();
        let dropin =
            unit(r#"{"name": "a@.service", "dropin": "x", "service": {"ExecStart": ["", "/bin/x"]}}"#);
        assert_eq!(place.apply(&UnitFile(&dropin)), said(&["created"]));
        assert_eq!(
            place.read("/etc/systemd/system/a@.service.d/x.conf"),
            "[Service]\nExecStart=\nExecStart=/bin/x\n"
        );
    }
}

//! `ini_setting`: one setting of a file with sections.

use super::edited::{Edit, Edited, Lines};
use super::{Done, Failure, Node, Plan, Refreshed, Type};
use crate::model::resource::{IniSetting, Presence};

/// A setting.
pub(in crate::agent) struct Setting<'a>(pub(in crate::agent) &'a IniSetting);

impl Type for Setting<'_> {
    type Step = ();

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let setting = self.0;
        let mut plan = Plan::new();
        if setting.refreshonly {
            return Ok(plan);
        }
        plan.wanted.push(("ensure", setting.ensure.name().into()));
        if setting.ensure.is_present() {
            plan.wanted.push(("value", setting.value.clone()));
        }
        let file = Edited::read(node, &setting.path)?;
        if let Some(edit) = edit(file.text(), setting) {
            file.plan(&mut plan, edit, setting.show_diff, ());
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        let file = Edited::read(node, &self.0.path)?;
        if let Some(edit) = edit(file.text(), self.0) {
            file.write(node, &edit.text, 0o644)?;
        }
        Ok(Done::quietly())
    }

    fn refresh(&self, node: &mut Node<'_>) -> Result<Refreshed, Failure> {
        if self.0.refreshonly { self.apply((), node).map(Refreshed::Done) } else { Ok(Refreshed::Nothing) }
    }
}

/// What is to become of the text; `None` when it is as it should be.
fn edit(text: &str, wish: &IniSetting) -> Option<Edit> {
    let mut text = Lines::of(text);
    let section = Section::find(&text, wish);
    let found = section.as_ref().and_then(|section| section.setting(&text, wish));
    match (found, wish.ensure) {
        (Some((at, before, value)), Presence::Present) => {
            if value == wish.value {
                return None;
            }
            text.lines[at] = format!("{before}{}", wish.value).into();
            Some(Edit::value(text.join(), "value", &value, &wish.value))
        }
        (Some((at, ..)), Presence::Absent) => {
            text.lines.remove(at);
            Some(Edit::ensure(text.join(), "present", "absent", "removed"))
        }
        (None, Presence::Absent) => None,
        (None, Presence::Present) => {
            match section {
                Some(section) => section.add(&mut text, wish),
                None if wish.force_new_section_creation => {
                    if text.lines.last().is_some_and(|line| !line.trim().is_empty()) {
                        text.lines.push("".into());
                    }
                    let header = format!("{}{}{}", wish.section_prefix, wish.section, wish.section_suffix);
                    text.lines.extend([header.into(), line(wish, "").into()]);
                }
                None => return None,
            }
            Some(Edit::ensure(text.join(), "absent", "present", "created"))
        }
    }
}

/// The lines of a section without its header.
struct Section {
    start: usize,
    end: usize,
}

impl Section {
    fn find(text: &Lines<'_>, wish: &IniSetting) -> Option<Self> {
        let header = |line: &str| {
            let inner = line.trim().strip_prefix(&wish.section_prefix)?;
            let end = if wish.section_suffix.is_empty() {
                inner.len()
            } else {
                inner.find(&wish.section_suffix)?
            };
            Some(inner[..end].trim().to_owned())
        };
        let start = match wish.section.as_str() {
            "" => 0,
            name => text.lines.iter().position(|line| header(line).is_some_and(|header| header == name))? + 1,
        };
        let length = text.lines[start..].iter().position(|line| header(line).is_some());
        Some(Self { start, end: length.map_or(text.lines.len(), |length| start + length) })
    }

    /// The line of the setting: where it is, all of it up to its value, and the value.
    fn setting(&self, text: &Lines<'_>, wish: &IniSetting) -> Option<(usize, String, String)> {
        let lines = text.lines[self.start..self.end].iter().enumerate();
        lines
            .filter_map(|(at, line)| {
                let (before, value) = split(line, wish)?;
                Some((self.start + at, before.to_owned(), value.to_owned()))
            })
            .next()
    }

    /// Adds the setting: behind a line where it is commented out, or else behind the last line of the section.
    fn add(&self, text: &mut Lines<'_>, wish: &IniSetting) {
        let section = &text.lines[self.start..self.end];
        let commented = section.iter().position(|line| {
            let bare = line.trim_start().trim_start_matches(['#', ';']).trim_start();
            line.trim_start().starts_with(['#', ';']) && split(bare, wish).is_some()
        });
        let last = section.iter().rposition(|line| !line.trim().is_empty());
        let neighbour =
            section.iter().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with(['#', ';']));
        let indent: String =
            neighbour.map(|line| line[..line.len() - line.trim_start().len()].to_owned()).unwrap_or_default();
        let at = self.start + commented.or(last).map_or(0, |at| at + 1);
        text.lines.insert(at, line(wish, &indent).into());
    }
}

/// A line of this setting up to its value, and the value.
fn split<'l>(line: &'l str, wish: &IniSetting) -> Option<(&'l str, &'l str)> {
    let rest = line.trim_start().strip_prefix(&wish.setting)?;
    let separator = wish.key_val_separator.trim();
    let value = match separator {
        "" => rest.strip_prefix([' ', '\t'])?,
        separator => rest.trim_start().strip_prefix(separator)?,
    };
    let value = value.trim_start();
    Some((&line[..line.len() - value.len()], value.trim_end()))
}

fn line(wish: &IniSetting, neighbour: &str) -> String {
    let indent = match wish.indent_width {
        Some(width) => {
            let with = if wish.indent_char == "tab" { "\t" } else { " " };
            with.repeat(usize::from(width))
        }
        None => neighbour.to_owned(),
    };
    format!("{indent}{}{}{}", wish.setting, wish.key_val_separator, wish.value)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::model::Spec;
    use crate::model::resource::Kind;

    fn setting(extra: &str) -> IniSetting {
        let mut given =
            serde_json::json!({ "path": "/etc/conf", "section": "s", "setting": "a", "value": "1" });
        let extra: serde_json::Value = serde_json::from_str(&format!("{{{extra}}}")).unwrap();
        given.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        match Spec::read(Kind::IniSetting, given).unwrap() {
            Spec::IniSetting(setting) => setting,
            _ => unreachable!(),
        }
    }

    fn check(before: &str, extra: &str, after: &str, message: &[&str]) {
        let place = Place::new();
        place.put("/etc/conf", before, 0o644);
        assert_eq!(place.apply(&Setting(&setting(extra))), said(message), "{before}");
        assert_eq!(place.read("/etc/conf"), after);
    }

    #[test]
    fn a_setting_is_changed_in_its_own_section_and_keeps_its_form() {
        check("[r]\na = 2\n[s]\n  a=3 \n", "", "[r]\na = 2\n[s]\n  a=1\n", &["value changed '3' to '1'"]);
        check("[s]\na = 1\n", "", "[s]\na = 1\n", &[]);
        check("[s]\nab = 2\n", "", "[s]\nab = 2\na = 1\n", &["created"]);
        check("# top\n\n[s]\nb = 1\n\n[t]\n", "", "# top\n\n[s]\nb = 1\na = 1\n\n[t]\n", &["created"]);
        check("[s]\n\tb = 1\n", "", "[s]\n\tb = 1\n\ta = 1\n", &["created"]);
        check("[s]\nb = 1\n", r#""indent_width": 2"#, "[s]\nb = 1\n  a = 1\n", &["created"]);
        check("[s]\n#a = 9\nb = 1\n", "", "[s]\n#a = 9\na = 1\nb = 1\n", &["created"]);
        check("x = 1\n[t]\na = 2\n", r#""section": """#, "x = 1\na = 1\n[t]\na = 2\n", &["created"]);
        check("a 2\n", r#""section": "", "key_val_separator": " ""#, "a 1\n", &["value changed '2' to '1'"]);
        check(
            "<s>\na: 2\n",
            r#""section_prefix": "<", "section_suffix": ">", "key_val_separator": ": ""#,
            "<s>\na: 1\n",
            &["value changed '2' to '1'"],
        );
    }

    #[test]
    fn a_section_is_made_only_where_that_is_wanted() {
        check("x = 1\n", "", "x = 1\n\n[s]\na = 1\n", &["created"]);
        check("x = 1\n", r#""force_new_section_creation": false"#, "x = 1\n", &[]);
        let place = Place::new();
        assert_eq!(place.apply(&Setting(&setting(""))), said(&["created"]));
        assert_eq!((place.read("/etc/conf").as_str(), place.mode("/etc/conf")), ("[s]\na = 1\n", 0o644));
    }

    #[test]
    fn a_setting_is_removed_alone() {
        let absent = r#""ensure": "absent""#;
        check("[s]\na = 1\nb = 2\n[t]\na = 1\n", absent, "[s]\nb = 2\n[t]\na = 1\n", &["removed"]);
        check("[t]\na = 1\n", absent, "[t]\na = 1\n", &[]);
    }

    #[test]
    fn a_value_is_not_told_where_the_file_is_closed_or_show_diff_is_off() {
        let place = Place::new();
        place.put("/etc/conf", "[s]\na = secret\n", 0o600);
        let hidden = "value changed 'a value that is not shown' to 'a value that is not shown'";
        assert_eq!(place.apply(&Setting(&setting(""))), said(&[hidden]));
        place.put("/etc/conf", "[s]\na = secret\n", 0o644);
        assert_eq!(place.apply(&Setting(&setting(r#""show_diff": false"#))), said(&[hidden]));
    }

    #[test]
    fn refreshonly_waits_for_a_refresh() {
        let place = Place::new();
        place.put("/etc/conf", "[s]\na = 2\n", 0o644);
        let wish = setting(r#""refreshonly": true"#);
        assert_eq!(place.apply(&Setting(&wish)), said(&[]));
        let refreshed = Setting(&wish).refresh(&mut place.node()).unwrap();
        assert!(matches!(refreshed, Refreshed::Done(_)));
        assert_eq!(place.read("/etc/conf"), "[s]\na = 1\n");
    }
}

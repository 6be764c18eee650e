//! `key_setting`: one value of a TOML, JSON or YAML file, everything else in the file left as it is.

use super::edited::{Edit, Edited};
use super::yaml_text::{self, Wish};
use super::{Done, Failure, Node, Plan, Type, chain, json_text};
use crate::model::resource::{Format, KeySetting, Presence};
use toml_edit::{DocumentMut, Item, Table, Value};

/// A value of a file.
pub(in crate::agent) struct Setting<'a>(pub(in crate::agent) &'a KeySetting);

impl Type for Setting<'_> {
    type Step = ();

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let setting = self.0;
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", setting.ensure.name().into()));
        if setting.ensure.is_present() {
            plan.wanted.push(("value", setting.value.clone()));
        }
        let file = Edited::read(node, &setting.path)?;
        if let Some(edit) = edit(file.text(), setting)? {
            file.plan(&mut plan, edit, setting.show_diff, ());
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        let file = Edited::read(node, &self.0.path)?;
        if let Some(edit) = edit(file.text(), self.0)? {
            file.write(node, &edit.text, 0o644)?;
        }
        Ok(Done::quietly())
    }
}

/// What is to become of the text; `None` when it is as it should be.
fn edit(text: &str, wish: &KeySetting) -> Result<Option<Edit>, Failure> {
    match wish.format() {
        Some(Format::Json) => json(text, wish).map_err(|fault| told(wish, &fault)),
        Some(Format::Yaml) => yaml(text, wish).map_err(|fault| told(wish, &fault)),
        Some(Format::Toml) => toml(text, wish),
        None => Err(Failure::Value { value: wish.path.clone(), what: "path of a known format" }),
    }
}

fn told(wish: &KeySetting, fault: &dyn std::error::Error) -> Failure {
    Failure::NotReached(format!("cannot change `{}`: {}", wish.path, chain(fault)))
}

fn json(text: &str, wish: &KeySetting) -> Result<Option<Edit>, json_text::Fault> {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let value = if wish.literal { wish.value.clone() } else { serde_json::json!(wish.value).to_string() };
    let have = json_text::find(text, &wish.key)?;
    Ok(match (have, wish.ensure) {
        (None, Presence::Absent) => None,
        (Some(_), Presence::Absent) => {
            Some(Edit::ensure(json_text::remove(text, &wish.key)?, "present", "absent", "removed"))
        }
        (None, Presence::Present) => {
            Some(Edit::ensure(json_text::set(text, &wish.key, &value)?, "absent", "present", "created"))
        }
        (Some(have), Presence::Present) => {
            let same = parsed(have) == parsed(&value);
            let new = json_text::set(text, &wish.key, &value)?;
            (!same).then(|| Edit::value(new, "value", have, &value))
        }
    })
}

fn yaml(text: &str, wish: &KeySetting) -> Result<Option<Edit>, yaml_text::Fault> {
    if !wish.ensure.is_present() {
        let there = yaml_text::find(text, &wish.key, &Wish::nothing())?.is_some();
        let gone = || yaml_text::remove(text, &wish.key);
        return there.then(|| Ok(Edit::ensure(gone()?, "present", "absent", "removed"))).transpose();
    }
    let value = if wish.literal { Wish::literal(&wish.value)? } else { Wish::text(&wish.value) };
    Ok(match yaml_text::find(text, &wish.key, &value)? {
        Some((_, true)) => None,
        Some((have, false)) => {
            Some(Edit::value(yaml_text::set(text, &wish.key, &value)?, "value", have, &value.written()))
        }
        None => Some(Edit::ensure(yaml_text::set(text, &wish.key, &value)?, "absent", "present", "created")),
    })
}

fn toml(text: &str, wish: &KeySetting) -> Result<Option<Edit>, Failure> {
    let mut document: DocumentMut = text.parse().map_err(|fault: toml_edit::TomlError| told(wish, &fault))?;
    let odd = || Failure::Value { value: wish.value.clone(), what: "TOML value" };
    let mut value = if wish.literal {
        wish.value.parse::<Value>().map_err(|_| odd())?
    } else {
        Value::from(wish.value.as_str())
    };
    value.decor_mut().clear();
    let Some((last, folders)) = wish.key.split_last() else { return Ok(None) };
    let mut at = document.as_item_mut();
    for name in folders {
        let there = at.get(name.as_str()).is_some_and(|item| !item.is_none());
        if !there && !wish.ensure.is_present() {
            return Ok(None);
        }
        let inline = at.is_inline_table();
        let Some(table) = at.as_table_like_mut() else { return Err(no_table(wish, name)) };
        if !there {
            let mut new = Table::new();
            new.set_implicit(folders.last() != Some(name));
            let new = if inline {
                Item::Value(Value::InlineTable(new.into_inline_table()))
            } else {
                Item::Table(new)
            };
            table.insert(name, new);
        }
        match table.get_mut(name) {
            Some(item) => at = item,
            None => return Err(no_table(wish, name)),
        }
    }
    let Some(table) = at.as_table_like_mut() else { return Err(no_table(wish, last)) };
    let have = table.get(last).filter(|item| !item.is_none()).map(|item| item.to_string().trim().to_owned());
    let wanted = value.to_string();
    let edit = match (have, wish.ensure) {
        (None, Presence::Absent) => return Ok(None),
        (Some(_), Presence::Absent) => {
            table.remove(last);
            Edit::ensure(document.to_string(), "present", "absent", "removed")
        }
        (None, Presence::Present) => {
            table.insert(last, Item::Value(value));
            Edit::ensure(document.to_string(), "absent", "present", "created")
        }
        (Some(have), Presence::Present) => {
            let Some(Item::Value(old)) = table.get_mut(last) else { return Err(no_value(wish)) };
            let decor = old.decor().clone();
            let bare = {
                let mut bare = old.clone();
                bare.decor_mut().clear();
                bare.to_string()
            };
            if bare == wanted {
                return Ok(None);
            }
            *old = value;
            *old.decor_mut() = decor;
            drop(have);
            Edit::value(document.to_string(), "value", &bare, &wanted)
        }
    };
    Ok(Some(edit))
}

fn no_table(wish: &KeySetting, name: &str) -> Failure {
    Failure::NotReached(format!("cannot change `{}`: what `{name}` would be in is no table", wish.path))
}

fn no_value(wish: &KeySetting) -> Failure {
    Failure::NotReached(format!(
        "cannot change `{}`: `{}` is a table and no value",
        wish.path,
        wish.shown_key()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;

    fn setting(path: &str, key: &[&str], value: &str, literal: bool) -> KeySetting {
        KeySetting {
            path: path.into(),
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            value: value.into(),
            literal,
            ensure: Presence::Present,
            format: None,
            show_diff: true,
        }
    }

    fn check(path: &str, before: &str, wish: &KeySetting, after: &str, message: &[&str]) {
        let place = Place::new();
        place.put(path, before, 0o644);
        assert_eq!(place.apply(&Setting(wish)), said(message), "{before}");
        assert_eq!(place.read(path), after);
    }

    #[test]
    fn toml_keeps_comments_and_order() {
        let before = "# top\n[b]\n# about y\ny = 1 # why\nx = \"2\"\n\n[a]\n";
        let path = "/etc/c.toml";
        let five = setting(path, &["b", "y"], "5", true);
        check(path, before, &five, &before.replace("y = 1", "y = 5"), &["value changed '1' to '5'"]);
        let same = setting(path, &["b", "x"], "2", false);
        check(path, before, &same, before, &[]);
        let new = setting(path, &["a", "z"], "[1, 2]", true);
        check(path, before, &new, &format!("{before}z = [1, 2]\n"), &["created"]);
        let table = setting(path, &["c", "d", "e"], "t", false);
        check(path, before, &table, &format!("{before}\n[c.d]\ne = \"t\"\n"), &["created"]);
        let gone = KeySetting { ensure: Presence::Absent, ..setting(path, &["b", "x"], "", false) };
        check(path, before, &gone, &before.replace("x = \"2\"\n", ""), &["removed"]);
        let inline = setting(path, &["a", "b"], "2", true);
        check(path, "a = { c = 1 }\n", &inline, "a = { c = 1 , b = 2 }\n", &["created"]);
    }

    #[test]
    fn json_keeps_order_and_form() {
        let path = "/etc/c.json";
        let before = "{\n    \"z\": 1,\n    \"a\": {\"k\": \"v\"}\n}\n";
        let wish = setting(path, &["a", "k"], "w", false);
        check(path, before, &wish, &before.replace("\"v\"", "\"w\""), &["value changed '\"v\"' to '\"w\"'"]);
        let number = setting(path, &["z"], "1.0e0", true);
        check(path, "{\"z\": 1.0}", &number, "{\"z\": 1.0}", &[]);
        let gone = KeySetting { ensure: Presence::Absent, ..setting(path, &["z"], "", false) };
        check(path, before, &gone, "{\n    \"a\": {\"k\": \"v\"}\n}\n", &["removed"]);
        let place = Place::new();
        assert_eq!(place.apply(&Setting(&number)), said(&["created"]));
        assert_eq!(place.read(path), "{\n  \"z\": 1.0e0\n}\n");
    }

    #[test]
    fn yaml_keeps_comments_and_order() {
        let path = "/etc/c.yml";
        let before = "# top\na:\n  # about k\n  k: v # why\n  z: 1\nlist:\n- x\n";
        let wish = setting(path, &["a", "k"], "w x", false);
        let after = before.replace("k: v", "k: \"w x\"");
        check(path, before, &wish, &after, &["value changed 'v' to '\"w x\"'"]);
        let new = setting(path, &["a", "new", "m"], "5", true);
        check(path, before, &new, &before.replace("z: 1\n", "z: 1\n  new:\n    m: 5\n"), &["created"]);
        let gone = KeySetting { ensure: Presence::Absent, ..setting(path, &["list"], "", false) };
        check(path, before, &gone, &before.replace("list:\n- x\n", ""), &["removed"]);
        check(path, before, &setting(path, &["a", "z"], "1", true), before, &[]);
    }

    #[test]
    fn a_file_that_is_not_understood_is_left_alone() {
        for (path, text) in [
            ("/etc/c.yaml", "b: {}\n"),
            ("/etc/c.yaml", "- b\n"),
            ("/etc/c.json", "{ // x\n}"),
            ("/etc/c.toml", "a = = 1\n"),
            ("/etc/c.toml", "b = 1\n"),
        ] {
            let place = Place::new();
            place.put(path, text, 0o644);
            let failed = place.apply(&Setting(&setting(path, &["b", "c"], "1", true))).unwrap_err();
            assert!(failed.starts_with(&format!("cannot change `{path}`: ")), "{failed}");
            assert_eq!(place.read(path), text);
        }
    }
}

//! Attributes in a language of their own: patterns, and values of files. What a node believes is read without these
//! languages, so that little code stands behind it; whoever compiles checks them.

use crate::model::Spec;
use crate::model::resource::{Fault, Format, KeySetting, LineInFile};
use regex::Regex;

/// Everything that is wrong with a resource by itself.
pub(super) fn faults(spec: &Spec) -> Vec<Fault> {
    let mut faults = spec.faults();
    match spec {
        Spec::LineInFile(line) => faults.extend(patterns(line)),
        Spec::KeySetting(setting) => faults.extend(value(setting)),
        _ => {}
    }
    faults
}

fn patterns(line: &LineInFile) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (attr, pattern) in [("match", &line.pattern), ("after", &line.after)] {
        let Some(pattern) = pattern else { continue };
        match Regex::new(pattern) {
            Err(error) => faults.push(Fault::new(attr, error.to_string(), "")),
            Ok(regex) => {
                let misses = attr == "match" && line.ensure.is_present() && !regex.is_match(&line.line);
                if misses && !line.replace_all_matches_not_matching_line {
                    let message = "`match` does not match `line`, which would be added again in every run";
                    faults.push(Fault::new(attr, message, "write a pattern that matches the new line too"));
                }
            }
        }
    }
    faults
}

fn value(setting: &KeySetting) -> Option<Fault> {
    let is_value = match setting.format() {
        // A value of JSON is one of YAML.
        Some(Format::Json | Format::Yaml) => {
            serde_json::from_str::<serde_json::Value>(&setting.value).is_ok()
        }
        Some(Format::Toml) => setting.value.parse::<toml_edit::Value>().is_ok(),
        None => true,
    };
    (setting.literal && setting.ensure.is_present() && !is_value)
        .then(|| Fault::new("value", "this is no value of the format", "leave `literal` out for text"))
}

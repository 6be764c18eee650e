//! JSON Schemas of the files below `policies/`, for editors. The tests hold them against what reading accepts.

use super::guard::Rules;
use crate::model::Kind;
use crate::module::schema::document;
use serde_json::{Value, json};

/// The schema of `policies/policy.toml`.
#[must_use]
pub fn settings() -> Value {
    let rules: Vec<&str> = Rules::builtin().all().iter().map(|rule| rule.id.as_str()).collect();
    let root = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "version": {
                "type": "integer", "minimum": 0, "default": 1,
                "description": "Goes up with every change of the policy; agents refuse to go back.",
            },
            "severity": {
                "type": "object",
                "propertyNames": { "enum": rules },
                "additionalProperties": { "enum": ["warn", "needs-waiver", "deny"] },
                "description": "Rules that are judged more strictly than they come; none is judged less so.",
            },
        },
    });
    document("The lint policy of a Countersign site", root)
}

/// The schema of `policies/waivers/*.toml`.
#[must_use]
pub fn waivers() -> Value {
    let kinds = Kind::ALL.map(Kind::name).join("|");
    let texts = |doc: &str| json!({ "type": "array", "items": { "type": "string" }, "description": doc });
    let text = |doc: &str| json!({ "type": "string", "minLength": 1, "description": doc });
    let matching =
        |pattern: &str, doc: &str| json!({ "type": "string", "pattern": pattern, "description": doc });
    let waiver = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["rule", "resource", "digest", "reason", "ticket", "expires"],
        "anyOf": [{ "required": ["nodes"] }, { "required": ["groups"] }],
        "properties": {
            "rule": text("The rule that is waived; one of severity `deny` cannot be."),
            "resource": matching(&format!(r"^({kinds})\[.+\]$"), "The resource, as `type[title]`."),
            "digest": matching("^sha256:[0-9a-f]{64}$", "The digest of the exact command, as the finding tells it."),
            "nodes": texts("The nodes that it holds for."),
            "groups": texts("The groups that it holds for."),
            "reason": json!({ "type": "string", "minLength": 10, "description": "Why." }),
            "ticket": text("Where that was decided."),
            "expires": matching(
                r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$",
                "Until when, in UTC; a year from now at most.",
            ),
        },
    });
    let root = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["waiver"],
        "properties": { "waiver": { "type": "array", "items": waiver } },
    });
    document("Waivers of a Countersign site", root)
}

/// The schema of all other files below `policies/`: what a site protects besides what every machine needs.
#[must_use]
pub fn paths() -> Value {
    let paths = |doc: &str| json!({ "type": "array", "items": { "type": "string" }, "description": doc });
    let pair = json!({ "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 });
    let class = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": { "type": "string", "description": "The name of the class, as rules use it." },
            "directories": paths("Directories: lost with anything above them, or with all that is in them."),
            "files": paths("Files."),
            "named": paths("Files that count when it is they that are meant, and not something above them."),
            "within": paths("Directories in which every single thing counts."),
            "many": paths("Directories of which no selection may be lost at once."),
            "except": paths("What does not count although it matches."),
        },
    });
    let root = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "class": { "type": "array", "items": class, "description": "Classes of protected paths." },
            "aliases": {
                "type": "array", "items": pair,
                "description": "Directories that are other names of directories, each as such a pair.",
            },
            "junk": paths("Names of files that may go wherever they are."),
            "copies": paths("Names of copies, which no pattern of a class means."),
            "set_user_id": paths("Programs that may run with their owner's rights."),
        },
    });
    document("Protected paths of a Countersign site", root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tree;
    use crate::policy::Policy;
    use std::collections::BTreeSet;

    /// The keys that reading a misspelt file asks for.
    fn expected(path: &str, text: &str) -> BTreeSet<String> {
        let mut tree = Tree::default();
        tree.insert(path, text.as_bytes().to_vec()).unwrap();
        let message = Policy::load(&tree).unwrap_err().remove(0).message;
        let (_, list) = message.split_once(", expected ").unwrap_or_else(|| panic!("{message}"));
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn keys(schema: &Value) -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_keys_are_those_that_reading_accepts() {
        let waivers = waivers();
        let paths = paths();
        for (schema, path, text) in [
            (&settings(), "policies/policy.toml", "misspelt = 1"),
            (&waivers, "policies/waivers/x.toml", "misspelt = 1"),
            (
                &waivers["properties"]["waiver"]["items"],
                "policies/waivers/x.toml",
                "[[waiver]]\nmisspelt = 1",
            ),
            (&paths, "policies/own.toml", "misspelt = 1"),
            (&paths["properties"]["class"]["items"], "policies/own.toml", "[[class]]\nmisspelt = 1"),
        ] {
            assert_eq!(keys(schema), expected(path, text), "{path}: {text}");
        }
    }
}

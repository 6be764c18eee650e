//! What a reviewer cannot see: characters that do not show, change the direction of text, or look like
//! others (D15). Looked for in every text file of a site, before anything else reads it.

use super::guard::Rules;
use crate::model::{Finding, Place, Tree};
use unicode_security::MixedScript;

/// Findings of one file, at most: one is enough to refuse it.
const MAX_FINDINGS: usize = 20;

/// Characters that read differently from what they are.
#[must_use]
pub fn source_findings(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, bytes) in tree.iter() {
        // Bytes that are no text are delivered as they are and shown by their digest.
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control() && !matches!(b, b'\n' | b'\t')) {
            continue;
        }
        findings.extend(hidden(path, text).chain(mixed(path, text)).take(MAX_FINDINGS));
    }
    findings
}

fn hidden<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = Finding> + 'a {
    text.char_indices().filter(|(_, c)| is_hidden(*c)).map(move |(at, c)| {
        let message = format!("the character U+{:04X} does not show or changes how the text reads", c as u32);
        finding(message, Place::new(path, at, at + c.len_utf8()))
    })
}

/// Words of letters from several scripts, such as a Latin name with a Cyrillic `a`.
fn mixed<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = Finding> + 'a {
    let words = text.split(|c: char| !c.is_alphanumeric() || is_hidden(c)).filter(|word| !word.is_ascii());
    words.filter(|word| !word.is_single_script()).map(move |word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let message = "a word mixes letters of several scripts, of which some look alike".to_owned();
        finding(message, Place::new(path, start, start + word.len()))
    })
}

fn finding(message: String, place: Place) -> Finding {
    let finding = Finding::error("hidden-character", message, place);
    match Rules::builtin().named("hidden-character") {
        Some(rule) => finding.why(rule.why.as_str()).instead(rule.instead.as_str()),
        None => finding,
    }
}

/// Control and format characters, bidirectional overrides, zero width, tags, private use.
const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{3000}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: usize) {
        let mut tree = Tree::default();
        tree.insert("modules/x/module.toml", text.as_bytes().to_vec()).unwrap();
        let findings = source_findings(&tree);
        assert_eq!(findings.len(), expected, "{text:?}: {findings:?}");
    }

    #[test]
    fn d15_characters_that_do_not_show_are_refused() {
        for c in [
            '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
            '\u{2069}',
        ] {
            check(&format!("a = \"{c}x\""), 1);
        }
        for c in ['\u{200b}', '\u{feff}', '\u{e000}', '\u{1b}', '\r', '\u{e0041}', '\u{3164}', '\u{a0}'] {
            check(&format!("a{c}b"), 1);
        }
    }

    #[test]
    fn d15_mixed_scripts_are_refused_and_plain_languages_are_not() {
        check("# p\u{430}ypal", 1);
        check("# Grüße an Zoë, ¡hola!, naïve, 5 €", 0);
        check("# привет мир", 0);
        check("key = \"値\"\n\tx = 1\n", 0);
    }
}

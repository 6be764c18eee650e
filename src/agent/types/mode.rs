//! File modes, octal and symbolic, as chmod(1) reads them.

/// The mode that `text` makes of `current`. The catalog's reader has checked its form.
///
/// An octal mode stands for itself, and lets enter a directory whoever may read it; a symbolic one touches
/// only the bits that it names.
pub(super) fn resolve(text: &str, current: u32, directory: bool) -> u32 {
    if text.chars().all(|c| ('0'..='7').contains(&c)) {
        let mode = u32::from_str_radix(text, 8).unwrap_or(current);
        return if directory { mode | (mode & 0o444) >> 2 } else { mode };
    }
    text.split(',').fold(current, |mode, clause| apply_clause(clause, mode, directory))
}

/// Four octal digits.
pub(super) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

fn apply_clause(clause: &str, mut mode: u32, directory: bool) -> u32 {
    let actions = clause.trim_start_matches(['u', 'g', 'o', 'a']);
    let who = &clause[..clause.len() - actions.len()];
    let affected = if who.is_empty() { 0o7777 } else { who.chars().fold(0, |bits, c| bits | class(c)) };
    let mut rest = actions;
    while let Some(operator) = rest.chars().next() {
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |i| i + 1);
        mode = apply_action(Action { operator, permissions: &rest[1..end], affected, directory }, mode);
        rest = &rest[end..];
    }
    mode
}

struct Action<'a> {
    operator: char,
    permissions: &'a str,
    affected: u32,
    directory: bool,
}

fn apply_action(action: Action<'_>, mode: u32) -> u32 {
    let Action { operator, permissions, affected, directory } = action;
    let mut bits = 0;
    for c in permissions.chars() {
        bits |= match c {
            'r' => 0o444,
            'w' => 0o222,
            'x' => 0o111,
            'X' if directory || mode & 0o111 != 0 => 0o111,
            's' => 0o6000,
            't' => 0o1000,
            'u' => spread(mode >> 6),
            'g' => spread(mode >> 3),
            'o' => spread(mode),
            _ => 0,
        };
    }
    // As chmod does: `=` leaves the set-id bits of a directory alone unless it names them.
    let kept = if directory { 0o6000 & !(affected & bits) } else { 0 };
    let bits = bits & affected & !kept;
    match operator {
        '+' => mode | bits,
        '-' => mode & !bits,
        _ => mode & (!affected | kept) | bits,
    }
}

/// The bits that a class of users has, special ones included.
const fn class(who: char) -> u32 {
    match who {
        'u' => 0o4700,
        'g' => 0o2070,
        'o' => 0o1007,
        _ => 0o7777,
    }
}

/// Three permission bits for all three classes.
const fn spread(bits: u32) -> u32 {
    (bits & 7) * 0o111
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::process::Command;

    #[test]
    fn an_octal_mode_stands_for_itself() {
        assert_eq!((resolve("644", 0o7777, false), resolve("4755", 0, false)), (0o644, 0o4755));
        assert_eq!((resolve("0640", 0, true), resolve("0604", 0, true)), (0o750, 0o705));
    }

    /// What chmod of coreutils makes of it.
    fn chmod(path: &Path, current: u32, text: &str) -> u32 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(current)).unwrap();
        let status = Command::new("sh")
            .args(["-c", "umask 0; exec chmod -- \"$0\" \"$1\"", text])
            .arg(path)
            .status()
            .unwrap();
        assert!(status.success(), "{text}");
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn clause() -> impl Strategy<Value = String> {
        let action = ("[-+=]", prop_oneof!["[rwxXst]{0,3}", "[ugo]"]).prop_map(|(o, p)| o + &p);
        ("[ugoa]{0,2}", prop::collection::vec(action, 1..3)).prop_map(|(who, a)| who + &a.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_symbolic_mode_does_what_chmod_does(
            clauses in prop::collection::vec(clause(), 1..3),
            current in 0_u32..0o10000,
        ) {
            let text = clauses.join(",");
            let dir = tempfile::tempdir().unwrap();
            let (file, folder) = (dir.path().join("file"), dir.path().join("folder"));
            std::fs::write(&file, "").unwrap();
            std::fs::create_dir(&folder).unwrap();
            prop_assert!(crate::model::resource::check_mode(&text).is_ok(), "{}", text);
            prop_assert_eq!(resolve(&text, current, false), chmod(&file, current, &text), "file {}", &text);
            prop_assert_eq!(resolve(&text, current, true), chmod(&folder, current, &text), "folder {}", &text);
        }
    }
}

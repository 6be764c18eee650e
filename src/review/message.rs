//! Commit messages: the subject, and the `Change-Id` trailer that an amended commit keeps.

/// The trailer's name.
const TRAILER: &str = "Change-Id:";

/// The first line of a commit message, trimmed.
#[must_use]
pub fn subject(message: &str) -> &str {
    message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
}

/// The `Change-Id` of a commit message: `I` and 40 lower-case hexadecimal digits, in its last paragraph.
#[must_use]
pub fn change_id(message: &str) -> Option<&str> {
    let last = message.trim_end().rsplit("\n\n").next()?;
    let mut ids = last.lines().filter_map(|line| line.trim().strip_prefix(TRAILER)).map(str::trim);
    ids.rfind(|id| well_formed(id))
}

/// The message with a `Change-Id` trailer, unless it has one. An empty message stays empty, so that git
/// still gives up on it.
#[must_use]
pub fn with_change_id(message: &str, id: &str) -> String {
    let (text, comments) = split_comments(message);
    let body = text.trim_end();
    if body.is_empty() || change_id(body).is_some() {
        return message.to_owned();
    }
    let last = body.rsplit("\n\n").next().unwrap_or(body);
    let trailers = body.contains("\n\n") && last.lines().all(is_trailer);
    let gap = if trailers { "\n" } else { "\n\n" };
    format!("{body}{gap}{TRAILER} {id}\n{comments}")
}

/// Git strips comment lines and everything below its scissors line after the hook has run.
fn split_comments(message: &str) -> (String, String) {
    let lines: Vec<&str> = message.split_inclusive('\n').collect();
    let is_comment = |line: &&str| line.starts_with('#');
    let end = lines.iter().position(is_comment).unwrap_or(lines.len());
    let rest_is_comments = lines[end..].iter().all(|l| is_comment(l) || l.trim().is_empty());
    let scissors = lines[end..].iter().any(|l| l.contains(">8"));
    if rest_is_comments || scissors {
        (lines[..end].concat(), lines[end..].concat())
    } else {
        (message.to_owned(), String::new())
    }
}

fn is_trailer(line: &str) -> bool {
    let name = line.split_once(": ").map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn well_formed(id: &str) -> bool {
    let digits = id.strip_prefix('I').unwrap_or("");
    digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "I0123456789012345678901234567890123456789";

    #[test]
    fn a_trailer_is_added_once() {
        let check = |message: &str, expected: &str| {
            assert_eq!(with_change_id(message, ID), expected);
            assert_eq!(with_change_id(expected, "I1"), expected, "a second time");
        };
        check("subject\n", &format!("subject\n\nChange-Id: {ID}\n"));
        check("s\n\nbody\n", &format!("s\n\nbody\n\nChange-Id: {ID}\n"));
        check("s\n\nSigned-off-by: a\n", &format!("s\n\nSigned-off-by: a\nChange-Id: {ID}\n"));
        check("s\n# comment\n", &format!("s\n\nChange-Id: {ID}\n# comment\n"));
        check("\n# only comments\n", "\n# only comments\n");
    }

    #[test]
    fn a_change_id_has_one_form_and_one_place() {
        assert_eq!(change_id(&format!("s\n\nChange-Id: {ID}\n")), Some(ID));
        for bad in
            ["s\n\nChange-Id: I12\n".to_owned(), format!("s\n\nChange-Id: {ID}\n\nmore\n"), ID.to_owned()]
        {
            assert_eq!(change_id(&bad), None, "{bad}");
        }
        assert_eq!(subject("\n  a b \nc\n"), "a b");
    }
}

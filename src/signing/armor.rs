//! The text form of an SSH signature, exactly as `ssh-keygen -Y sign` writes it and nothing else (D40).

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Bytes of an armoured signature, at most.
pub(super) const MAX_ARMOR: usize = 4096;
/// Characters of a line; OpenSSH writes 70, other tools up to 76.
const COLUMNS: std::ops::RangeInclusive<usize> = 70..=76;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "\n-----END SSH SIGNATURE-----\n";

pub(super) fn encode(blob: &[u8]) -> String {
    let mut text = BEGIN.to_owned();
    for (at, c) in STANDARD.encode(blob).chars().enumerate() {
        if at > 0 && at % COLUMNS.start() == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text + END
}

/// The bytes inside, or `None` for any other text: nothing before or after, full lines of one
/// width, one newline at the end.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_ARMOR {
        return None;
    }
    let body = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let lines: Vec<&str> = body.split('\n').collect();
    let (last, full) = lines.split_last()?;
    let width = full.first().map_or(*COLUMNS.end(), |line| line.len());
    let even = full.iter().all(|line| line.len() == width);
    if !COLUMNS.contains(&width) || !even || last.is_empty() || last.len() > width {
        return None;
    }
    STANDARD.decode(lines.concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d40_only_the_exact_form_is_read() {
        let blob: Vec<u8> = (0..=255).collect();
        let good = encode(&blob);
        assert_eq!(decode(&good), Some(blob));
        let crlf = good.replace('\n', "\r\n");
        for bad in [
            "",
            good.trim_end(),
            &format!("{good}\n"),
            &format!("{good}spare"),
            &format!(" {good}"),
            &good.replacen("AAEC", "AA EC", 1),
            &good.replacen("AAEC", "AA\nEC", 1),
            &good.replacen("==\n", "\n", 1),
            &good.replacen("/w==", "/x==", 1),
            &crlf,
            &"A".repeat(MAX_ARMOR + 1),
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}

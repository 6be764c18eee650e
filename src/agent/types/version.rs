//! The order of Debian's versions (deb-version(7)). No I/O.

use std::cmp::Ordering;

/// Which of two versions is newer.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let ((epoch_a, upstream_a, revision_a), (epoch_b, upstream_b, revision_b)) = (parts(a), parts(b));
    // An epoch that is no number cannot be: dpkg refuses it.
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let epoch = number(epoch_a).cmp(&number(epoch_b));
    epoch.then_with(|| part(upstream_a, upstream_b)).then_with(|| part(revision_a, revision_b))
}

fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    (epoch, upstream, revision)
}

/// Text and numbers in turn: text by rank of its characters, numbers by value.
fn part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, rest_a) = split(a, |c| !c.is_ascii_digit());
        let (text_b, rest_b) = split(b, |c| !c.is_ascii_digit());
        let (digits_a, rest_a) = split(rest_a, |c| c.is_ascii_digit());
        let (digits_b, rest_b) = split(rest_b, |c| c.is_ascii_digit());
        let order = text(text_a, text_b).then_with(|| digits(digits_a, digits_b));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// `~` comes before the end, the end before letters, and letters before everything else.
fn text(a: &str, b: &str) -> Ordering {
    let rank = |c: Option<u8>| match c {
        Some(b'~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(c),
        Some(c) => i32::from(c) + 256,
    };
    let length = a.len().max(b.len());
    (0..length)
        .map(|at| rank(a.as_bytes().get(at).copied()).cmp(&rank(b.as_bytes().get(at).copied())))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

fn digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_in_the_order_of_the_manual() {
        let ascending =
            ["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1", "1.0a", "1.0+b1", "1.0.1", "1.9", "1.10", "1:0.1"];
        for (at, older) in ascending.iter().enumerate() {
            assert_eq!(compare(older, older), Ordering::Equal);
            for newer in &ascending[at + 1..] {
                assert_eq!(
                    (compare(older, newer), compare(newer, older)),
                    (Ordering::Less, Ordering::Greater),
                    "{older} {newer}"
                );
            }
        }
        assert_eq!(compare("1.0", "0:1.0-0"), Ordering::Equal);
        assert_eq!(compare("1.00", "1.0"), Ordering::Equal);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn dpkg_sees_the_same_order(a in "[0-2](:[0-9])?[0-9a-b.+~]{0,5}(-[0-9a~]{1,3})?", b in "[0-2](:[0-9])?[0-9a-b.+~]{0,5}(-[0-9a~]{1,3})?") {
            let holds = |sign: &str| {
                let dpkg = std::process::Command::new("dpkg").args(["--compare-versions", &a, sign, &b]).status();
                dpkg.expect("this test needs dpkg").success()
            };
            let dpkg = if holds("lt") { Ordering::Less } else if holds("eq") { Ordering::Equal } else { Ordering::Greater };
            prop_assert_eq!(compare(&a, &b), dpkg, "{} {}", a, b);
        }
    }
}

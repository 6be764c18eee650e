//! The orders of versions outside of Debian: rpm, Python (PEP 440), semantic versions and Ruby's gems. No I/O.

use std::cmp::Ordering;

/// Two numbers in digits, of any length.
pub(super) fn digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// `rpmvercmp`: numbers and words in turn; `~` comes before the end, and `^` right after it.
pub(super) fn rpm(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    let separator = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
    while !(a.is_empty() && b.is_empty()) {
        (a, b) = (a.trim_start_matches(separator), b.trim_start_matches(separator));
        match (a.strip_prefix('~'), b.strip_prefix('~')) {
            (Some(rest_a), Some(rest_b)) => {
                (a, b) = (rest_a, rest_b);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        match (a.strip_prefix('^'), b.strip_prefix('^')) {
            (Some(rest_a), Some(rest_b)) => {
                (a, b) = (rest_a, rest_b);
                continue;
            }
            (Some(_), None) => return if b.is_empty() { Ordering::Greater } else { Ordering::Less },
            (None, Some(_)) => return if a.is_empty() { Ordering::Less } else { Ordering::Greater },
            (None, None) => {}
        }
        if a.is_empty() || b.is_empty() {
            break;
        }
        let number = a.starts_with(|c: char| c.is_ascii_digit());
        let belongs = |c: char| if number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let ((segment_a, rest_a), (segment_b, rest_b)) = (split(a, belongs), split(b, belongs));
        if segment_b.is_empty() {
            return if number { Ordering::Greater } else { Ordering::Less };
        }
        let order = if number { digits(segment_a, segment_b) } else { segment_a.cmp(segment_b) };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.len().min(1).cmp(&b.len().min(1))
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// Semantic versions (semver.org, 11); `None` where one of them is none. What stands behind `+` does not count.
pub(super) fn semantic(a: &str, b: &str) -> Option<Ordering> {
    let ((core_a, pre_a), (core_b, pre_b)) = (semantic_parts(a)?, semantic_parts(b)?);
    let numbers = core_a.iter().zip(&core_b).map(|(a, b)| digits(a, b));
    let order = numbers.fold(Ordering::Equal, Ordering::then);
    Some(order.then_with(|| match (pre_a.as_slice(), pre_b.as_slice()) {
        ([], []) => Ordering::Equal,
        ([], _) => Ordering::Greater,
        (_, []) => Ordering::Less,
        (a, b) => {
            let words = a.iter().zip(b).map(|(a, b)| match (is_number(a), is_number(b)) {
                (true, true) => digits(a, b),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            });
            words.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
    }))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

fn semantic_parts(version: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let version = version.split('+').next()?;
    let (core, pre) = version.split_once('-').map_or((version, None), |(core, pre)| (core, Some(pre)));
    let core: Vec<&str> = core.split('.').collect();
    let pre: Vec<&str> = pre.map(|pre| pre.split('.').collect()).unwrap_or_default();
    (core.len() == 3 && core.iter().all(|n| is_number(n)) && pre.iter().all(|word| !word.is_empty()))
        .then_some((core, pre))
}

/// The order of `Gem::Version`: a word comes before any number, and zeros at the end do not count.
pub(super) fn gem(a: &str, b: &str) -> Ordering {
    let (a, b) = (gem_segments(a), gem_segments(b));
    for at in 0..a.len().max(b.len()) {
        let [one, other] = [&a, &b].map(|segments| segments.get(at).map_or("0", String::as_str));
        let order = match (is_number(one), is_number(other)) {
            (true, true) => digits(one, other),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => one.cmp(other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn gem_segments(version: &str) -> Vec<String> {
    let version = version.replace('-', ".pre.");
    let mut segments = Vec::new();
    let mut rest = version.as_str();
    while let Some(first) = rest.chars().next() {
        let number = first.is_ascii_digit();
        let belongs = |c: char| if number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let (segment, more) = split(rest, belongs);
        if segment.is_empty() {
            rest = &rest[first.len_utf8()..];
        } else {
            segments.push(segment.to_owned());
            rest = more;
        }
    }
    let is_zero = |segment: &String| is_number(segment) && segment.trim_start_matches('0').is_empty();
    let word = segments.iter().position(|segment| !is_number(segment)).unwrap_or(segments.len());
    let mut end = segments.split_off(word);
    for part in [&mut segments, &mut end] {
        while part.last().is_some_and(is_zero) {
            part.pop();
        }
    }
    segments.extend(end);
    segments
}

/// The order of Python's versions (PEP 440); `None` where one of them is none.
pub(super) fn python(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (Python::parse(a)?, Python::parse(b)?);
    Some(a.compare(&b))
}

/// A version of Python's packages in its parts.
struct Python {
    epoch: String,
    release: Vec<String>,
    /// `a`, `b` or `rc`, and its number.
    pre: Option<(&'static str, String)>,
    post: Option<String>,
    dev: Option<String>,
    local: Vec<String>,
}

impl Python {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, local.split(['.', '-', '_']).map(str::to_owned).collect()),
            None => (text, Vec::new()),
        };
        let (epoch, rest) = public.split_once('!').unwrap_or(("0", public));
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let release = rest[..end].trim_end_matches('.');
        let mut rest = &rest[release.len()..];
        let pre = [
            ("alpha", "a"),
            ("beta", "b"),
            ("preview", "rc"),
            ("pre", "rc"),
            ("rc", "rc"),
            ("a", "a"),
            ("b", "b"),
            ("c", "rc"),
        ];
        let pre = pre.into_iter().find_map(|(word, short)| Some((short, part(&mut rest, &[word])?)));
        let post = part(&mut rest, &["post", "rev", "r"]).or_else(|| {
            let (number, more) = split(rest.strip_prefix('-')?, |c| c.is_ascii_digit());
            (!number.is_empty()).then(|| {
                rest = more;
                number.to_owned()
            })
        });
        let dev = part(&mut rest, &["dev"]);
        let release: Vec<String> = release.split('.').map(str::to_owned).collect();
        let good = is_number(epoch)
            && release.iter().all(|number| is_number(number))
            && local
                .iter()
                .all(|word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric()))
            && rest.is_empty();
        good.then(|| Self { epoch: epoch.to_owned(), release, pre, post, dev, local })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let number = |list: &[String], at: usize| list.get(at).cloned().unwrap_or_else(|| "0".to_owned());
        let length = self.release.len().max(other.release.len());
        let release = (0..length)
            .map(|at| digits(&number(&self.release, at), &number(&other.release, at)))
            .fold(Ordering::Equal, Ordering::then);
        digits(&self.epoch, &other.epoch)
            .then(release)
            .then_with(|| {
                let ((rank_a, number_a), (rank_b, number_b)) = (self.stage(), other.stage());
                rank_a.cmp(&rank_b).then_with(|| digits(number_a, number_b))
            })
            .then_with(|| optional(self.post.as_deref(), other.post.as_deref()))
            .then_with(|| optional(other.dev.as_deref().map(|_| ""), self.dev.as_deref().map(|_| "")))
            .then_with(|| digits(self.dev.as_deref().unwrap_or("0"), other.dev.as_deref().unwrap_or("0")))
            .then_with(|| local(&self.local, &other.local))
    }

    /// Where it stands on the way to its release: only in development, before it, or it.
    fn stage(&self) -> (u8, &str) {
        match (&self.pre, &self.post, &self.dev) {
            (Some(("a", number)), ..) => (1, number),
            (Some(("b", number)), ..) => (2, number),
            (Some((_, number)), ..) => (3, number),
            (None, None, Some(_)) => (0, "0"),
            (None, ..) => (4, "0"),
        }
    }
}

/// `.post1`, `-post_1`, `post`: one of these words with its number, 0 where there is none.
fn part(rest: &mut &str, words: &[&str]) -> Option<String> {
    let bare = rest.strip_prefix(['.', '-', '_']).unwrap_or(rest);
    let more = words.iter().find_map(|word| bare.strip_prefix(word))?;
    let unseparated = more.strip_prefix(['.', '-', '_']).unwrap_or(more);
    let (number, after) = split(unseparated, |c| c.is_ascii_digit());
    if number.is_empty() {
        *rest = more;
        return Some("0".to_owned());
    }
    *rest = after;
    Some(number.to_owned())
}

/// Nothing comes before every number.
fn optional(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => digits(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Local versions: nothing first, words before numbers.
fn local(a: &[String], b: &[String]) -> Ordering {
    let words = a.iter().zip(b).map(|(a, b)| match (is_number(a), is_number(b)) {
        (true, true) => digits(a, b),
        (false, false) => a.cmp(b),
        (a, b) => a.cmp(&b),
    });
    words.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is older than all that follow.
    fn ascending(compare: impl Fn(&str, &str) -> Ordering, versions: &[&str]) {
        for (at, older) in versions.iter().enumerate() {
            assert_eq!(compare(older, older), Ordering::Equal, "{older}");
            for newer in &versions[at + 1..] {
                assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
                assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
            }
        }
    }

    fn same(compare: impl Fn(&str, &str) -> Ordering, pairs: &[(&str, &str)]) {
        for (a, b) in pairs {
            assert_eq!((compare(a, b), compare(b, a)), (Ordering::Equal, Ordering::Equal), "{a} {b}");
        }
    }

    /// From rpm's own `tests/rpmvercmp.at`.
    #[test]
    fn versions_of_rpm_are_in_its_order() {
        ascending(rpm, &["1.0~rc1", "1.0~rc2", "1.0", "1.0^git1~pre", "1.0^git1", "1.0.1", "1.1", "2.0"]);
        ascending(rpm, &["5.5p1", "5.5p2", "5.5p10"]);
        ascending(rpm, &["xyz.4", "2", "2a", "8", "10abc", "10.1", "20101121", "20101122"]);
        ascending(rpm, &["2.0", "2.0a", "2.0.1", "2.0.1a"]);
        ascending(rpm, &["1.0~rc1^git1", "1.0", "1.0^", "1.0^git1"]);
        ascending(rpm, &["1.0~rc1", "1.0~rc1^git1", "1.0~rc2"]);
        ascending(rpm, &["FC5", "fc4"]);
        same(rpm, &[("2.0", "2_0"), ("fc4", "fc.4"), ("1.05", "1.5"), ("a+", "a_"), ("+_", "_+"), ("", "")]);
    }

    #[test]
    fn versions_of_python_are_in_the_order_of_pep_440() {
        let compare = |a: &str, b: &str| python(a, b).unwrap();
        ascending(
            compare,
            &[
                "1.dev0",
                "1.0.dev456",
                "1.0a1",
                "1.0a2.dev456",
                "1.0a12.dev456",
                "1.0a12",
                "1.0b1.dev456",
                "1.0b2",
                "1.0b2.post345.dev456",
                "1.0b2.post345",
                "1.0rc1.dev456",
                "1.0rc1",
                "1.0",
                "1.0+abc.5",
                "1.0+abc.7",
                "1.0+5",
                "1.0.post456.dev34",
                "1.0.post456",
                "1.0.15",
                "1.1.dev1",
                "1!0.1",
            ],
        );
        same(
            compare,
            &[
                ("1.0", "1.0.0"),
                ("v1.0", "1"),
                ("1.0alpha1", "1.0-a.1"),
                ("1.0c2", "1.0.pre2"),
                ("1.0-1", "1.0.post1"),
                ("1.0.rev", "1.0.post0"),
                ("1.0.DEV", "1.0dev0"),
                ("0!1", "1"),
                ("1.0+ubuntu-1", "1.0+ubuntu.1"),
            ],
        );
        for none in ["", "x", "1.0.x", "1..0", "1.0+", "1.0a1b2", "a!1"] {
            assert_eq!(python(none, "1"), None, "{none}");
        }
    }

    #[test]
    fn semantic_versions_are_in_the_order_of_their_standard() {
        let compare = |a: &str, b: &str| semantic(a, b).unwrap();
        ascending(
            compare,
            &[
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0",
                "1.2.0",
                "1.10.0",
                "2.0.0",
            ],
        );
        same(compare, &[("1.0.0+a", "1.0.0+b")]);
        for none in ["", "1", "1.0", "1.0.x", "1.0.0-"] {
            assert_eq!(semantic(none, "1.0.0"), None, "{none}");
        }
    }

    #[test]
    fn versions_of_gems_are_in_the_order_of_ruby() {
        ascending(
            gem,
            &["1.0.a.2", "1.0.b1", "1.0.rc1", "1.0", "1.0.0.1", "1.2", "1.10", "2.0.0-1", "2.0.0"],
        );
        same(gem, &[("1.0", "1"), ("1.0.0.a", "1.a"), ("1.2.b1", "1.2.b.1"), ("1-1", "1.pre.1")]);
    }
}

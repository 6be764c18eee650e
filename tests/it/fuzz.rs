//! A smoke run of the fuzz targets in `fuzz/`, on stable Rust and always with the same inputs: commands of the
//! corpus, cut, spliced and bent by a generator with a fixed seed.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "public for the targets in `fuzz/`")]
mod targets;

use crate::corpus;
use crate::support::{files_below, repository};
use std::time::{Duration, Instant};

/// Inputs for each target.
const INPUTS: usize = 600;
/// Bytes of an input, at most.
const LENGTH: usize = 400;
/// Time for one input in a build without optimisation, while other tests run, at most.
const SLOW: Duration = Duration::from_secs(20);

/// Pieces of the shell's language that mutations put in.
const TOKENS: [&str; 40] = [
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "$'",
    "${",
    "}",
    "{",
    "{a,b}",
    "{1..9}",
    "$((",
    "))",
    "[[ ",
    " ]]",
    "<<E\n",
    "\nE\n",
    "<<<",
    "<(",
    "|",
    "||",
    "&&",
    "&",
    ";",
    ";;",
    "\\",
    "\n",
    "*",
    "?",
    "[",
    "~",
    "if ",
    "then ",
    "fi",
    "for x in ",
    "do ",
    "done",
    "case x in x)",
    "esac",
    "é\u{200b}",
];

/// The numbers of Marsaglia's xorshift: the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

/// `text` with a few changes: a token put in, a piece taken out, doubled, or taken over from another text.
fn mutated(text: &str, seeds: &[String], numbers: &mut Numbers) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(4) {
        let (from, length) = (numbers.below(chars.len() + 1), numbers.below(12));
        let to = (from + length).min(chars.len());
        let piece: Vec<char> = match numbers.below(5) {
            0 => Vec::new(),
            1 => TOKENS[numbers.below(TOKENS.len())].chars().collect(),
            2 => [&chars[from..to], &chars[from..to]].concat(),
            3 => {
                let other: Vec<char> = seeds[numbers.below(seeds.len())].chars().collect();
                let start = numbers.below(other.len() + 1);
                other[start..].iter().take(40).copied().collect()
            }
            _ => vec![char::from_u32(u32::try_from(numbers.below(0x3000)).unwrap()).unwrap_or('\u{7f}')],
        };
        let to = if numbers.below(2) == 0 { from } else { to };
        chars.splice(from..to, piece);
    }
    chars.truncate(LENGTH);
    chars.into_iter().collect()
}

fn seeds() -> Vec<String> {
    let cases = ["dangerous", "benign"].into_iter().flat_map(corpus::load);
    let mut seeds: Vec<String> = cases.map(|case| case.command).collect();
    for path in files_below(&repository().join("fuzz/corpus"), &["sh"]) {
        seeds.push(std::fs::read_to_string(path).unwrap());
    }
    seeds
}

/// Runs `target` over mutated seeds.
fn smoke(seed: u64, target: fn(&str)) {
    let (seeds, mut numbers) = (seeds(), Numbers(seed));
    for _ in 0..INPUTS {
        let text = mutated(&seeds[numbers.below(seeds.len())], &seeds, &mut numbers);
        let start = Instant::now();
        let outcome = std::panic::catch_unwind(|| target(&text));
        assert!(outcome.is_ok(), "panics: {text:?}");
        assert!(start.elapsed() < SLOW, "{:?}: {text:?}", start.elapsed());
    }
}

#[test]
fn any_text_parses_or_says_where_not() {
    smoke(0x9E37_79B9_7F4A_7C15, targets::parse);
}

#[test]
fn any_text_resolves() {
    smoke(0xD1B5_4A32_D192_ED03, targets::resolve);
}

#[test]
fn any_text_is_linted() {
    smoke(0x8CB9_2BA7_2F3D_8DD7, targets::lint);
}

#[test]
fn the_committed_inputs_pass_every_target() {
    let files = files_below(&repository().join("fuzz/corpus"), &["sh"]);
    assert!(files.len() >= 9, "{} inputs", files.len());
    for path in files {
        let text = std::fs::read_to_string(path).unwrap();
        targets::parse(&text);
        targets::resolve(&text);
        targets::lint(&text);
    }
}

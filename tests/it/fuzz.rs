//! A smoke run of the fuzz targets in `fuzz/`, on stable Rust and always with the same inputs: the committed corpus and
//! the commands of `tests/corpus`, cut, spliced and bent by a generator with a fixed seed.
//!
//! `COUNTERSIGN_FUZZ=SECONDS` goes on for so long with each target, and `COUNTERSIGN_SEED=NUMBER` begins elsewhere.
//! `COUNTERSIGN_CORPUS=write` writes the committed corpus of signed documents and the like anew.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "public for the targets in `fuzz/`")]
mod targets;

use crate::corpus;
use crate::support::{files_below, repository};
use std::time::{Duration, Instant};

/// Inputs for each step of the lint.
const INPUTS: usize = 600;
/// Inputs for each other target, most of which judge several signatures.
const FEW: usize = 150;
/// Bytes of an input, at most.
const LENGTH: usize = 400;
/// Time of the processor for one input in a build without optimisation, at most.
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

/// Numbers that begin with `seed`, or elsewhere if that is wished.
fn numbers(seed: u64) -> Numbers {
    let wished = std::env::var("COUNTERSIGN_SEED").ok().map(|text| text.parse::<u64>().unwrap());
    Numbers(wished.map_or(seed, |number| seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// The time that the processor has spent on this thread, whatever else the machine does: `utime` of proc(5), in
/// hundredths of a second.
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    Duration::from_millis(10 * fields.split_whitespace().nth(11).unwrap().parse::<u64>().unwrap())
}

/// Hands `inputs` of `make` to a target, or as many as fit into the time that is wished.
fn many<T: std::fmt::Debug>(inputs: usize, mut make: impl FnMut() -> T, target: impl Fn(&T)) {
    let wished =
        std::env::var("COUNTERSIGN_FUZZ").ok().map(|text| Duration::from_secs(text.parse().unwrap()));
    let (begin, mut count) = (Instant::now(), 0);
    while wished.map_or(count < inputs, |wished| begin.elapsed() < wished) {
        let (input, start) = (make(), spent());
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&input)));
        assert!(outcome.is_ok(), "panics: {input:?}");
        let took = spent().saturating_sub(start);
        assert!(took < SLOW, "{took:?}: {input:?}");
        count += 1;
    }
    assert!(count > 0, "no input was tried");
}

/// Runs a step of the lint over mutated commands.
fn smoke(seed: u64, target: fn(&str)) {
    let (seeds, mut numbers) = (seeds(), numbers(seed));
    let make = || mutated(&seeds[numbers.below(seeds.len())], &seeds, &mut numbers);
    many(INPUTS, make, |text| target(text));
}

/// Pieces of documents that mutations put in.
const PIECES: [&[u8]; 24] = [
    b"\"",
    b",",
    b":",
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"0",
    b"1",
    b"2",
    b"-1",
    b"9007199254740993",
    b"18446744073709551615",
    b"1.0",
    b"\\u0041",
    b"\\ud800",
    b"\"bob\"",
    b"\"carol\"",
    b"\"release\"",
    b"\"9999-12-31T23:59:59Z\"",
    b"\0",
    b"\n",
    b"\xff\xfe",
    "\u{202e}".as_bytes(),
];

/// `bytes` with a few changes: bits, digits, values, pieces put in, taken out, doubled, or taken over from another input.
fn bent(bytes: &[u8], seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        let from = numbers.below(bytes.len() + 1);
        let to = (from + numbers.below(16)).min(bytes.len());
        match numbers.below(7) {
            0 if from < bytes.len() => bytes[from] ^= 1 << numbers.below(8),
            1 => {
                let near = |byte: &u8| byte.is_ascii_digit();
                if let Some(at) = bytes[from..].iter().position(near) {
                    bytes[from + at] = b'0' + u8::try_from(numbers.below(10)).unwrap();
                }
            }
            2 => {
                // The value of a field of a JSON object.
                let Some(colon) = bytes[from..].iter().position(|byte| *byte == b':') else { continue };
                let start = from + colon + 1;
                let end = bytes[start..].iter().position(|byte| matches!(byte, b',' | b'}'));
                let piece = PIECES[numbers.below(PIECES.len())].to_vec();
                bytes.splice(start..end.map_or(start, |end| start + end), piece);
            }
            3 => drop(bytes.splice(from..to, PIECES[numbers.below(PIECES.len())].to_vec())),
            4 => drop(bytes.drain(from..to)),
            5 => {
                let twice = bytes[from..to].repeat(2);
                bytes.splice(from..to, twice);
            }
            _ => {
                let other = &seeds[numbers.below(seeds.len())];
                let start = numbers.below(other.len() + 1);
                let piece = other[start..].iter().take(numbers.below(60)).copied().collect::<Vec<u8>>();
                bytes.splice(from..to, piece);
            }
        }
    }
    bytes
}

/// The committed inputs of a target.
fn committed(name: &str) -> Vec<Vec<u8>> {
    let folder = repository().join("fuzz/corpus").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Runs a target over its committed inputs and over what becomes of them.
fn target(name: &str) {
    let (seeds, mut numbers) = (committed(name), numbers(0xA076_1D64_78BD_642F));
    for seed in &seeds {
        targets::run(name, seed);
    }
    let make = || bent(&seeds[numbers.below(seeds.len())], &seeds, &mut numbers);
    many(FEW, make, |bytes| targets::run(name, bytes));
}

macro_rules! targets {
    ($($name:ident)*) => {
        mod bytes {
            $(#[test] fn $name() { super::target(stringify!($name)); })*
        }
        const BYTES: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! {
    sshsig key root release timestamp withdraw revoke ratify trigger query review report catalog state secret proof log tree
    site diff body request
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
fn the_committed_texts_pass_every_step_of_the_lint() {
    let files = files_below(&repository().join("fuzz/corpus"), &["sh"]);
    assert!(files.len() >= 9, "{} inputs", files.len());
    for path in files {
        let text = std::fs::read_to_string(path).unwrap();
        targets::parse(&text);
        targets::resolve(&text);
        targets::lint(&text);
    }
}

#[test]
fn every_target_is_built_run_and_has_a_corpus() {
    let manifest = std::fs::read_to_string(repository().join("fuzz/Cargo.toml")).unwrap();
    let texts = ["parse", "resolve", "lint"];
    let names: Vec<&str> = texts.iter().chain(BYTES).copied().collect();
    assert_eq!(targets::TARGETS.map(|(name, _)| name).to_vec(), names);
    for name in names {
        assert!(
            manifest.contains(&format!("path = \"targets/{name}.rs\"")),
            "{name} is not in fuzz/Cargo.toml"
        );
        let source = repository().join("fuzz/targets").join(format!("{name}.rs"));
        assert!(std::fs::read_to_string(source).unwrap().contains("fuzz_target!"), "{name}");
        assert!(!committed(name).is_empty(), "{name} has no corpus");
    }
}

#[test]
fn the_committed_corpus_is_of_this_version() {
    let corpus = repository().join("fuzz/corpus");
    for (path, bytes) in targets::seeds() {
        let path = corpus.join(path);
        if std::env::var("COUNTERSIGN_CORPUS").is_ok_and(|wish| wish == "write") {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let committed = std::fs::read(&path).unwrap_or_default();
        let next = "next: COUNTERSIGN_CORPUS=write cargo test --test it the_committed_corpus";
        assert!(committed == bytes, "{} is of another version; {next}", path.display());
    }
}

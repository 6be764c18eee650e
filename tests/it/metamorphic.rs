//! However a command is written, its verdict stays: no disguise lets a dangerous one pass, and no everyday wrapping makes
//! a harmless one suspicious. The variants are text: nothing here is run.

use crate::corpus::{Case, judge, load};
use crate::transform::{
    Around, COMMON_SPELLINGS, COMMON_WRAPPERS, ODD_SPELLINGS, ODD_WRAPPERS, every_way, held, joined, quoted,
    transparent, wrapped,
};

/// A command, written in another way.
struct Variant {
    of: String,
    way: String,
    text: String,
}

/// The case as shell text.
fn text(case: &Case) -> String {
    case.argv.as_ref().map_or_else(|| case.command.clone(), |words| joined(words, quoted))
}

/// Whether rewriting keeps the meaning: the command does not depend on where it is started, nor on being read line by line.
fn seed(case: &Case) -> bool {
    case.cwd.is_none()
        && !case.debatable
        && case.command.len() < 600
        && !case.command.to_lowercase().contains("alias")
}

/// Those of `cases` that are seeds and are, as they stand, judged as their label says.
fn seeds(name: &str, stopped: bool) -> Vec<Case> {
    let cases: Vec<Case> = load(name).into_iter().filter(seed).collect();
    let lines: Vec<_> = cases.iter().map(|case| line(&case.id, &text(case))).collect();
    let judged = judge(&lines);
    cases
        .into_iter()
        .zip(judged)
        .filter(|(_, answer)| answer.stopped() == stopped)
        .map(|(case, _)| case)
        .collect()
}

fn line(id: &str, text: &str) -> serde_json::Value {
    serde_json::json!({"id": id, "command": text, "shell": true})
}

/// The case in each of the ways that keep its meaning.
fn rewritten(case: &Case, ways: &[Around]) -> Vec<Variant> {
    let whole = text(case);
    ways.iter().filter_map(|way| Some(variant(case, way.template, way.apply(&whole)?))).collect()
}

fn variant(case: &Case, way: &str, text: String) -> Variant {
    Variant { of: case.id.clone(), way: way.to_owned(), text }
}

/// The variants that are not judged as `stopped` says, as lines for a message.
fn changed(variants: &[Variant], stopped: bool) -> Vec<String> {
    let lines: Vec<_> =
        variants.iter().enumerate().map(|(i, variant)| line(&i.to_string(), &variant.text)).collect();
    let judged = judge(&lines);
    let wrong = variants.iter().zip(&judged).filter(|(_, answer)| answer.stopped() != stopped);
    wrong
        .map(|(variant, answer)| {
            let text: String = variant.text.chars().take(200).collect();
            format!("{} as {:?}: {} {text:?}", variant.of, variant.way, answer.summary())
        })
        .collect()
}

/// Every how manieth variant is judged; a prime, so that over the seeds every way has its turn with many of them.
/// `COUNTERSIGN_METAMORPHIC=all` judges every variant.
const STRIDE: usize = 17;

/// What a rewriting must not change, and how many changed verdicts per thousand are known. The numbers only fall.
enum Bar {
    Stopped(usize),
    Allowed(usize),
}

/// Fails with the number of changed verdicts and an excerpt of them, when there are more than there may be.
fn expect_unchanged(variants: Vec<Variant>, bar: Bar) {
    assert!(variants.len() > 1000, "only {} variants: the seeds are gone", variants.len());
    let all = std::env::var("COUNTERSIGN_METAMORPHIC").is_ok_and(|value| value == "all");
    let variants: Vec<Variant> = variants.into_iter().step_by(if all { 1 } else { STRIDE }).collect();
    let (stopped, most) = match bar {
        Bar::Stopped(most) => (true, most),
        Bar::Allowed(most) => (false, most),
    };
    let wrong = changed(&variants, stopped);
    let shown = wrong.iter().take(100).cloned().collect::<Vec<_>>().join("\n");
    let allowed = most * variants.len();
    assert!(
        wrong.len() * 1000 <= allowed,
        "{} of {} verdicts changed:\n{shown}",
        wrong.len(),
        variants.len()
    );
}

#[test]
fn dangerous_texts_stay_stopped_in_every_way() {
    let ways = every_way();
    let variants: Vec<Variant> =
        seeds("dangerous", true).iter().flat_map(|case| rewritten(case, &ways)).collect();
    expect_unchanged(variants, Bar::Stopped(11));
}

#[test]
fn dangerous_words_stay_stopped_in_every_spelling() {
    let mut variants = Vec::new();
    for case in seeds("dangerous", true) {
        let Some(words) = &case.argv else { continue };
        for (way, spelling) in COMMON_SPELLINGS.iter().chain(ODD_SPELLINGS) {
            variants.push(variant(&case, way, joined(words, *spelling)));
        }
        variants.extend(held(words).into_iter().map(|(way, text)| variant(&case, way, text)));
    }
    expect_unchanged(variants, Bar::Stopped(3));
}

#[test]
fn dangerous_words_stay_stopped_behind_every_wrapper() {
    let mut variants = Vec::new();
    for case in seeds("dangerous", true) {
        let Some(words) = &case.argv else { continue };
        for wrapper in COMMON_WRAPPERS.iter().chain(ODD_WRAPPERS) {
            let clash =
                wrapper.starts_with("find ") && words.iter().any(|word| word == ";" || word.contains("{}"));
            if !clash {
                variants.push(variant(&case, wrapper, wrapped(wrapper, words)));
            }
        }
    }
    expect_unchanged(variants, Bar::Stopped(84));
}

#[test]
fn dangerous_texts_stay_stopped_in_every_pair_of_ways() {
    let ways = every_way();
    let seeds = seeds("dangerous", true);
    let mut variants = Vec::new();
    for (i, inner) in ways.iter().enumerate() {
        for (j, outer) in ways.iter().enumerate() {
            // Each pair with another seed; over all pairs every seed has its turn.
            let case = &seeds[(i * ways.len() + j) * 7 % seeds.len()];
            let twice = inner.apply(&text(case)).and_then(|once| outer.apply(&once));
            let name = format!("{} in {}", inner.template, outer.template);
            variants.extend(twice.map(|text| variant(case, &name, text)));
        }
    }
    expect_unchanged(variants, Bar::Stopped(14));
}

#[test]
fn benign_commands_stay_allowed_in_everyday_ways() {
    let ways = transparent();
    let mut variants = Vec::new();
    for case in seeds("benign", false) {
        variants.extend(rewritten(&case, &ways));
        let Some(words) = &case.argv else { continue };
        for (way, spelling) in COMMON_SPELLINGS {
            variants.push(variant(&case, way, joined(words, *spelling)));
        }
        for wrapper in COMMON_WRAPPERS {
            variants.push(variant(&case, wrapper, wrapped(wrapper, words)));
        }
    }
    expect_unchanged(variants, Bar::Allowed(2));
}

/// Programs that need rights, another machine or a service; what they run is not run here.
const ELSEWHERE: &[&str] = &[
    "sudo",
    "su -c",
    "doas",
    "pkexec",
    "runuser",
    "setpriv",
    "nsenter",
    "chroot",
    "ssh",
    "systemd-run",
    "at now",
    "watch",
    "parallel",
    "busybox",
    "script",
    "strace",
    "unbuffer",
    "flock",
    "time -p",
    "xxd",
    "openssl",
    "ionice",
    "chrt",
];

/// Whether bash, run with `text`, makes the file.
fn makes(file: &std::path::Path, text: &str) -> bool {
    let status = crate::support::clean("bash").args(["-c", text]).output();
    // A coprocess or a background job may end a little later than the shell.
    let soon = std::time::Instant::now() + std::time::Duration::from_secs(2);
    while status.is_ok() && !file.exists() && std::time::Instant::now() < soon {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::fs::remove_file(file).is_ok()
}

#[test]
fn every_way_keeps_what_a_command_does() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a b'c$d`e\\f\"g{h}*~é");
    let words = ["touch".to_owned(), file.to_str().unwrap().to_owned()];
    let whole = joined(&words, quoted);
    let mut ways: Vec<(&str, String)> =
        every_way().iter().filter_map(|way| Some((way.template, way.apply(&whole)?))).collect();
    let spellings = COMMON_SPELLINGS.iter().chain(ODD_SPELLINGS);
    ways.extend(spellings.map(|(way, spelling)| (*way, joined(&words, *spelling))));
    ways.extend(held(&words));
    let wrappers = COMMON_WRAPPERS.iter().chain(ODD_WRAPPERS);
    ways.extend(wrappers.map(|wrapper| (*wrapper, wrapped(wrapper, &words))));
    ways.retain(|(way, _)| !ELSEWHERE.iter().any(|program| way.contains(program)));
    assert!(ways.len() > 90, "only {} ways to run", ways.len());
    // What a way writes, it writes here.
    let scratch = directory.path().join("w").display().to_string();
    let wrong: Vec<String> = ways
        .into_iter()
        .map(|(way, text)| (way, text.replace("/tmp/w", &scratch)))
        .filter(|(_, text)| !makes(&file, text))
        .map(|(way, text)| format!("{way:?}: {text}"))
        .collect();
    assert!(wrong.is_empty(), "these ways do not run the command:\n{}", wrong.join("\n"));
}

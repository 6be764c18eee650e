//! `cargo +nightly fuzz run lint`

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| countersign_fuzz::lint(text));

//! `cargo +nightly fuzz run parse`

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| countersign_fuzz::parse(text));

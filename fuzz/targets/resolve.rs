//! `cargo +nightly fuzz run resolve`

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| countersign_fuzz::resolve(text));

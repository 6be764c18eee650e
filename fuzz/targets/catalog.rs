//! `cargo +nightly fuzz run catalog`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("catalog", data));

//! `cargo +nightly fuzz run review`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("review", data));

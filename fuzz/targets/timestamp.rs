//! `cargo +nightly fuzz run timestamp`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("timestamp", data));

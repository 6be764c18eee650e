//! `cargo +nightly fuzz run log`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("log", data));

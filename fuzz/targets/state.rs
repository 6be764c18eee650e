//! `cargo +nightly fuzz run state`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("state", data));

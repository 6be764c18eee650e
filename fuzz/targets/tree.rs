//! `cargo +nightly fuzz run tree`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("tree", data));

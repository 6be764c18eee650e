//! `cargo +nightly fuzz run site`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("site", data));

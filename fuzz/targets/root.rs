//! `cargo +nightly fuzz run root`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("root", data));

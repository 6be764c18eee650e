//! `cargo +nightly fuzz run withdraw`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("withdraw", data));

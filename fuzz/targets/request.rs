//! `cargo +nightly fuzz run request`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("request", data));

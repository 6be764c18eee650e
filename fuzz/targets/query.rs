//! `cargo +nightly fuzz run query`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("query", data));

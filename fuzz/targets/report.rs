//! `cargo +nightly fuzz run report`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("report", data));

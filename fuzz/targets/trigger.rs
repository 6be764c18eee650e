//! `cargo +nightly fuzz run trigger`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("trigger", data));

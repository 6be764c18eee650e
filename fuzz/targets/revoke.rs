//! `cargo +nightly fuzz run revoke`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::run("revoke", data));

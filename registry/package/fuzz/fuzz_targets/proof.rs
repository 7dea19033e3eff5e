//! Runs the property `proof` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| openclaw_package_fuzz::proof(data));

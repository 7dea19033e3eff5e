//! Runs the property `registry` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| openclaw_package_fuzz::registry(data));

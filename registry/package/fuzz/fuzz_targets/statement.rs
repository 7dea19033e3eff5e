//! Runs the property `statement` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| openclaw_package_fuzz::statement(data));

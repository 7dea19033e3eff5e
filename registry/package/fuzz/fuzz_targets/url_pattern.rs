//! Runs the property `url_pattern` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| openclaw_package_fuzz::url_pattern(data));

//! Runs the property `skill_md` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| openclaw_package_fuzz::skill_md(data));

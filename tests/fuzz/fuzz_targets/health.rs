#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fieldlink_tests::fuzzing::health(data));

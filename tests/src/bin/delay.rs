//! The slow line of the tests' network laboratory; see `fieldlink_tests::lab::slow_line`.

fn main() {
    fieldlink_tests::lab::slow_line::run(std::env::args().skip(1));
}

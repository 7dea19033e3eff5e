//! What the compiler says of mistakes: one file each under `ui/`.

#[test]
fn mistakes_are_told_at_the_authors_line() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

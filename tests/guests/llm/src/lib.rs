//! Skills that ask the owner's language model, and want more of it than they were given.

mod available;
mod complete;

wit_bindgen::generate!({
    inline: "package openclaw-tests:llm;
        world llm {
            import openclaw:skill/log@1.0.0;
            import openclaw:skill/llm@1.0.0;
            export openclaw:skill/tools@1.0.0;
        }",
    path: "../../../wit",
    world: "openclaw-tests:llm/llm",
    generate_all,
});

kit::guest!(available, complete);

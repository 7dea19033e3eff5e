//! Skills that run programs, and want more of them than they were given.

mod abandon;
mod command;
mod converse;
mod kill;
mod many;
mod run;
mod silent;
mod write;

wit_bindgen::generate!({
    inline: "package openclaw-tests:process;
        world process {
            import openclaw:skill/log@1.0.0;
            import openclaw:skill/process@1.0.0;
            import wasi:filesystem/types@0.2.12;
            import wasi:filesystem/preopens@0.2.12;
            export openclaw:skill/tools@1.0.0;
        }",
    path: "../../../wit",
    world: "openclaw-tests:process/process",
    generate_all,
});

kit::guest!(abandon, converse, kill, many, run, silent, write);

//! Skills that compute too much, say too much, or never come to an end.

mod echo;
mod environment;
mod exit;
mod fail_with;
mod fill_memory_for_ever;
mod give;
mod grow_memory;
mod grow_memory_and_survive;
mod hash_order;
mod huge_log;
mod huge_output;
mod narrate;
mod panic;
mod poll_flood;
mod progress;
mod random_flood;
mod recurse;
mod sleep;
mod spam_stderr;
mod spam_stdout;
mod spin;
mod standard_input;
mod touch_memory;
mod work;

wit_bindgen::generate!({
    inline: "package openclaw-tests:compute;
        world compute {
            import openclaw:skill/log@1.0.0;
            import wasi:clocks/monotonic-clock@0.2.12;
            import wasi:io/poll@0.2.12;
            import wasi:random/random@0.2.12;
            export openclaw:skill/tools@1.0.0;
        }",
    path: "../../../wit",
    world: "openclaw-tests:compute/compute",
    generate_all,
});

kit::guest!(
    echo,
    environment,
    exit,
    fail_with,
    fill_memory_for_ever,
    give,
    grow_memory,
    grow_memory_and_survive,
    hash_order,
    huge_log,
    huge_output,
    narrate,
    panic,
    poll_flood,
    progress,
    random_flood,
    recurse,
    sleep,
    spam_stderr,
    spam_stdout,
    spin,
    standard_input,
    touch_memory,
    work,
);

//! Skills that want to reach what they were not allowed, or to keep a host busy that they were.

mod fetch;
mod flood;
mod headers;
mod http;
mod long_lines;
mod read_endless;
mod repeat;
mod request;

wit_bindgen::generate!({
    inline: "package openclaw-tests:network;
        world network {
            import openclaw:skill/log@1.0.0;
            import wasi:http/types@0.2.12;
            import wasi:http/outgoing-handler@0.2.12;
            export openclaw:skill/tools@1.0.0;
        }",
    path: "../../../wit",
    world: "openclaw-tests:network/network",
    generate_all,
});

kit::guest!(fetch, flood, headers, long_lines, read_endless, repeat, request);

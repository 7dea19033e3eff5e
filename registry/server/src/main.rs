//! The `openclaw-registry` command: a registry for machines that need nothing else of OpenClaw.

fn main() {}

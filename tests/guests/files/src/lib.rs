//! Skills that want files they were not given.

mod create_directory;
mod fill_descriptors;
mod fill_directory;
mod fill_disk;
mod fill_sparse;
mod giant_reads;
mod hard_link;
mod list;
mod move_into_control;
mod open_bytes;
mod open_held;
mod open_raw;
mod preopens;
mod race;
mod raw;
mod read;
mod read_link;
mod remove;
mod rename;
mod stat;
mod swap_control;
mod symlink;
mod truncate;
mod walk;
mod write;

wit_bindgen::generate!({
    inline: "package openclaw-tests:files;
        world files {
            import openclaw:skill/log@1.0.0;
            import wasi:filesystem/types@0.2.12;
            import wasi:filesystem/preopens@0.2.12;
            export openclaw:skill/tools@1.0.0;
        }",
    path: "../../../wit",
    world: "openclaw-tests:files/files",
    generate_all,
});

kit::guest!(
    create_directory,
    fill_descriptors,
    fill_directory,
    fill_disk,
    fill_sparse,
    giant_reads,
    hard_link,
    list,
    move_into_control,
    open_bytes,
    open_held,
    open_raw,
    preopens,
    race,
    read,
    read_link,
    remove,
    rename,
    stat,
    swap_control,
    symlink,
    truncate,
    walk,
    write,
);

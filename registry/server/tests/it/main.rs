//! Tests of the registry server: the real binary on a loopback port, asked over HTTP.
//!
//! What does not depend on where things are kept runs on SQLite and a directory only; everything else runs on each
//! backend: SQLite, a real PostgreSQL server, and an S3-compatible server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod backups;
mod conflicts;
mod crashes;
mod documents;
mod histories;
mod limits;
mod logs;
mod operators;
mod paths;
mod postgres;
mod privacy;
mod publishing;
mod roots;
mod s3;
mod searching;
mod skill;
mod starts;
mod takedowns;
mod tokens;
mod verifying;
mod world;

/// Runs each of the tests on each backend.
macro_rules! on_every_backend {
    ($($module:ident::$name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { crate::world::run(crate::world::Backend::Sqlite, crate::$module::$name); })*
        }
        mod postgres_server {
            $(#[test] fn $name() { crate::world::run(crate::world::Backend::Postgres, crate::$module::$name); })*
        }
        mod s3_server {
            $(#[test] fn $name() { crate::world::run(crate::world::Backend::S3, crate::$module::$name); })*
        }
    };
}

on_every_backend! {
    publishing::a_skill_is_published_found_fetched_and_proved,
    publishing::blobs_are_served_in_parts_and_kept,
    publishing::an_index_is_not_sent_twice,
    publishing::what_a_client_would_refuse_is_refused,
    tokens::a_token_does_what_it_is_for_and_nothing_else,
    tokens::a_token_ends,
    privacy::a_private_skill_is_not_there_for_others,
    privacy::a_private_skill_becomes_public_and_never_the_other_way,
    conflicts::a_version_is_published_once,
    conflicts::of_a_hundred_publications_one_wins,
    conflicts::names_that_look_alike_are_refused,
    takedowns::what_is_taken_down_is_gone_at_once,
    takedowns::bytes_that_were_taken_down_stay_so_under_any_name,
    histories::a_yanked_version_is_not_chosen_any_more,
    histories::keys_come_and_go,
    logs::every_entry_is_proved_and_nothing_is_forgotten,
    roots::a_rotated_root_is_followed_while_the_server_runs,
    searching::words_find_skills_and_nothing_breaks_on_them,
    backups::a_backup_is_the_whole_registry,
    verifying::damage_is_found_and_what_follows_from_the_log_is_repaired,
}

//! Verification: damage of every kind is found, and what follows from the log is repaired.

use serde_json::Value;
use sqlx::{AnyConnection, Connection as _};

use crate::skill::skill;
use crate::world::World;

/// Does something to the database behind the registry's back.
pub async fn execute(world: &World, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&world.place.database()).await.unwrap();
    let done = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql}");
    connection.close().await.unwrap();
}

async fn report(world: &World, words: &[&str]) -> (bool, Value) {
    let words: Vec<&str> = ["admin", "verify"].iter().chain(words).copied().collect();
    let output = world.place.output(&words).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{text}"));
    (output.status.success(), report)
}

pub async fn damage_is_found_and_what_follows_from_the_log_is_repaired(world: World) {
    let acme = world.acme();
    acme.publish(&skill("acme/hello", "1.0.0")).await;
    acme.publish(&skill("acme/hello", "1.1.0")).await;
    acme.publish(&skill("acme/other", "1.0.0")).await;
    for repairable in [
        "UPDATE indexes SET body = ''",
        "UPDATE indexes SET etag = 'x'",
        "UPDATE skills SET latest = '1.0.0' WHERE name = 'hello'",
        "UPDATE skills SET category = 'x'",
        "DELETE FROM search",
        "UPDATE search SET name = 'bait'",
        "UPDATE releases SET yanked = 'x' WHERE version = '1.1.0'",
        "UPDATE releases SET taken_down = 'x'",
        "UPDATE releases SET page = REPLACE(page, 'network:external', 'memory')",
        "UPDATE releases SET page = '{}' WHERE version = '1.1.0'",
        "UPDATE releases SET kinds = '', description = 'bait'",
        "UPDATE tiles SET hashes = SUBSTR(hashes, 1, 32)",
        "DELETE FROM tiles",
        "UPDATE publishers SET history = REPLACE(history, '\"length\":4', '\"length\":3')",
    ] {
        execute(&world, repairable).await;
        let (clean, found) = report(&world, &[]).await;
        assert!(!clean && !found["problems"].as_array().unwrap().is_empty(), "{repairable}: {found}");
        let (clean, repaired) = report(&world, &["--repair"]).await;
        assert!(clean, "{repairable}: {repaired}");
        world.verify().await;
    }
    let upload =
        acme.prepare(&skill("acme/last", "1.0.0"), openclaw_package::registry::Visibility::Public).await;
    assert_eq!(acme.send(&upload).await.status(), 201, "it goes on");

    let blob = world.place.blob(&upload.digest);
    let orphan = blob.with_file_name(format!("{}{}", &upload.digest.hex()[..2], "0".repeat(62)));
    std::fs::write(&orphan, b"nobody's").unwrap();
    assert!(!report(&world, &[]).await.0);
    assert!(report(&world, &["--repair"]).await.0);
    assert!(!orphan.exists());
    let bytes = std::fs::read(&blob).unwrap();
    for damage in [Some(b"other bytes".to_vec()), None] {
        match &damage {
            Some(bytes) => std::fs::write(&blob, bytes).unwrap(),
            None => std::fs::remove_file(&blob).unwrap(),
        }
        let (clean, found) = report(&world, &["--repair"]).await;
        assert!(!clean && found.to_string().contains("acme/last 1.0.0"), "{found}");
    }
    std::fs::write(&blob, bytes).unwrap();
    world.verify().await;
    for (damage, undo) in [
        ("UPDATE log SET origin = 'other'", format!("UPDATE log SET origin = '{}'", world.origin)),
        (
            "UPDATE releases SET log_index = 99 WHERE log_index = 2",
            "UPDATE releases SET log_index = 2 WHERE log_index = 99".to_owned(),
        ),
        (
            "UPDATE skills SET visibility = 'private' WHERE name = 'last'",
            "UPDATE skills SET visibility = 'public'".to_owned(),
        ),
        (
            "UPDATE roots SET fingerprint = 'x'",
            format!("UPDATE roots SET fingerprint = '{}'", world.fingerprint),
        ),
        (
            "UPDATE leaves SET log_index = 99 WHERE log_index = 5",
            "UPDATE leaves SET log_index = 5 WHERE log_index = 99".to_owned(),
        ),
        (
            "UPDATE events SET log_index = 99 WHERE log_index = 5",
            "UPDATE events SET log_index = 5 WHERE log_index = 99".to_owned(),
        ),
    ] {
        execute(&world, damage).await;
        let (clean, found) = report(&world, &[]).await;
        assert!(!clean, "{damage}: {found}");
        execute(&world, &undo).await;
        world.verify().await;
    }
}

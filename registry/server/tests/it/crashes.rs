//! The server killed in the middle of publishing, again and again: all of a publication is there, or nothing.

use std::time::Duration;

use openclaw_package::registry::{History, Visibility};

use crate::skill::{Prepared, Publisher, skill};
use crate::world::{Backend, Place, Server, World};

const ROUNDS: u32 = 50;

#[test]
fn fifty_kills_leave_whole_publications_only() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place::new(Backend::Sqlite).await;
        let mut world =
            World::start_with(place, &["--writes-per-minute", "1000000", "--uploads-per-hour", "1000000"]);
        for number in 0..4 {
            world.place.admin(&["publisher", "create", &format!("p{number}")]).await;
        }
        let mut tokens = Vec::new();
        for number in 0..4 {
            tokens.push(world.issue(&format!("p{number}/*"), &["publish-new", "publish-update"]).await);
        }
        let (mut told, mut version) = (0_u64, 0);
        for round in 0..ROUNDS {
            let publishers: Vec<Publisher> = (0..4_u8)
                .map(|number| {
                    let name = format!("p{number}");
                    let token = &tokens[usize::from(number)];
                    Publisher::new(&world, &name, token, 10 + number)
                })
                .collect();
            version += 100;
            let first = version;
            let work: Vec<_> =
                publishers.into_iter().map(|publisher| tokio::spawn(flood(publisher, first))).collect();
            tokio::time::sleep(Duration::from_millis(u64::from(15 + (round * 37) % 120))).await;
            let server = std::mem::replace(&mut world.server, Server::nothing());
            server.kill();
            for publisher in work {
                told += publisher.await.unwrap();
            }
            world.server = Server::start(
                &world.place,
                &["--writes-per-minute", "1000000", "--uploads-per-hour", "1000000"],
            );
            let size = world.json("/health").await["log_size"].as_u64().unwrap();
            assert!(size > told, "what was answered with 201 is there: {told} of {size}");
            if round % 10 == 9 {
                world.verify().await;
            }
        }
        assert!(told > 0, "some publications came through");
        world.verify().await;
        let left = std::fs::read_dir(world.place.data.join("staging")).unwrap().count();
        assert_eq!(left, 0, "staging is cleaned at the start");
        let blobs = std::fs::read_dir(world.place.data.join("blobs/sha256")).unwrap();
        let files = blobs.flat_map(|below| std::fs::read_dir(below.unwrap().path()).unwrap());
        let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(names.all(|name| name.len() == 64), "no file is left half written");
    });
}

/// Publishes version after version until the server is gone, and gives how many it said were there.
async fn flood(publisher: Publisher, first: u32) -> u64 {
    let mut told = 0;
    let name = format!("{}/tool", publisher.name);
    let Some(mut history) = publisher.try_history().await else { return told };
    for patch in first..first + 100 {
        let skill = skill(&name, &format!("1.0.{patch}"));
        let upload = prepare(&publisher, &skill, &history);
        match publisher.try_send(&upload).await {
            Some(201) => told += 1,
            Some(status) => panic!("{status}"),
            None => return told,
        }
        for event in &upload.publication.events {
            let envelope = openclaw_package::Envelope::parse(event.as_bytes()).unwrap();
            history.accept(&envelope).unwrap();
        }
    }
    told
}

fn prepare(publisher: &Publisher, skill: &crate::skill::Skill, history: &History) -> Prepared {
    publisher.prepare_on(skill, &skill.pack(), Visibility::Public, history.clone())
}

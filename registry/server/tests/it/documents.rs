//! The OpenAPI document has every route, and every route is as it says.

use std::collections::BTreeSet;

use openclaw_registry_server::http::{ROUTES, openapi};
use serde_json::Value;

use crate::world::{Backend, World, run};

#[test]
fn every_route_is_documented_with_its_parameters_and_errors() {
    let document: Value = serde_json::from_str(openapi::document()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            documented.insert((method.clone(), path.clone()));
            let place = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for segment in path.split('/').filter_map(|segment| segment.strip_prefix('{')) {
                let name = segment.split('}').next().unwrap();
                let found = parameters
                    .iter()
                    .find(|parameter| parameter["name"] == name && parameter["in"] == "path");
                assert!(
                    found.is_some_and(|parameter| parameter["description"].is_string()),
                    "{place}: {name}"
                );
            }
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{place}");
            for (status, response) in responses {
                if status.starts_with('4') {
                    let schema = &response["content"]["application/json"]["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/ErrorBody", "{place} {status}");
                }
            }
        }
    }
    let routes: BTreeSet<(String, String)> =
        ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(documented, routes);
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
}

#[test]
fn every_route_answers_and_none_takes_what_it_does_not_know() {
    run(Backend::Sqlite, async |world: World| {
        assert_eq!(world.text("/openapi.json").await, openapi::document());
        for (method, path) in ROUTES {
            let path = path
                .replace("{publisher}", "acme")
                .replace("{name}", "hello")
                .replace("{version}", if path.starts_with("/root") { "1" } else { "1.0.0" })
                .replace("{digest}", &"0".repeat(64))
                .replace("{index}", "0")
                .replace("{path}", "0/000.p/1");
            let method = method.to_uppercase().parse::<reqwest::Method>().unwrap();
            let url = world.url(&format!("{path}?surprise=1"));
            let response =
                world.http.request(method.clone(), url).bearer_auth(&world.token).send().await.unwrap();
            let (status, code) = crate::world::refusal(response).await;
            assert_eq!((status, code.as_str()), (400, "unknown-parameter"), "{method} {path}");
            let response = world.http.delete(world.url(&path)).send().await.unwrap();
            assert_eq!(
                crate::world::refusal(response).await,
                (405, "method-not-allowed".to_owned()),
                "{path}"
            );
        }
    });
}

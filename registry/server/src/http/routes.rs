//! Every route: its path here, its path in the OpenAPI document, and its method.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use super::multipart::UPLOAD_SIZE;
use super::{
    App, blobs, discovery, events, guard, health, index, log, openapi, pages, publication, root, search,
    takedowns,
};

/// A route by its method and its path in the OpenAPI document.
pub type Route = (&'static str, &'static str);

/// Makes the router and the list of its routes from one table, so that neither can lack what the other has.
macro_rules! routes {
    ($($method:ident $path:literal $(as $documented:literal)? => $handler:expr;)*) => {
        /// Every route.
        pub const ROUTES: &[Route] = &[$((stringify!($method), routes!(@documented $path $($documented)?))),*];

        fn table() -> Router<App> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
    (@documented $path:literal) => { $path };
    (@documented $path:literal $documented:literal) => { $documented };
}

routes! {
    get "/health" => health::health;
    get "/metrics" => health::metrics;
    get "/openapi.json" => openapi::get;
    get "/.well-known/agent-skills/index.json" => discovery::get;
    get "/root.json" => root::newest;
    get "/root/{version}" as "/root/{version}.json" => root::version;
    get "/takedowns.json" => takedowns::get;
    get "/checkpoint" => log::checkpoint;
    get "/tile/{*path}" as "/tile/{path}" => log::tile;
    get "/api/v1/log/proof/{index}" => log::proof;
    get "/api/v1/log/consistency" => log::consistency;
    get "/index/{publisher}/{name}" => index::get;
    get "/blobs/sha256/{digest}" => blobs::get;
    get "/api/v1/search" => search::get;
    get "/api/v1/categories" => search::categories;
    get "/api/v1/whoami" => pages::whoami;
    get "/api/v1/publishers/{publisher}" => pages::publisher;
    get "/api/v1/publishers/{publisher}/history" => events::history;
    post "/api/v1/publishers/{publisher}/events" => events::post;
    get "/api/v1/skills/{publisher}/{name}" => pages::skill;
    get "/api/v1/skills/{publisher}/{name}/{version}" => pages::release;
    put "/api/v1/skills/{publisher}/{name}/{version}" => publication::put;
    get "/api/v1/skills/{publisher}/{name}/{version}/provenance" => pages::provenance;
}

/// All routes, guarded.
pub fn router(app: App) -> Router {
    table()
        .fallback(guard::no_path)
        .method_not_allowed_fallback(guard::no_method)
        .layer(DefaultBodyLimit::max(UPLOAD_SIZE))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

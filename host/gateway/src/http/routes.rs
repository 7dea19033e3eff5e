//! Every route: its path here and in the OpenAPI document, and its method.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::{App, chat, guard, health, mcp, openapi, tools, ws};

/// A route by its method and its path in the OpenAPI document.
pub type Route = (&'static str, &'static str);

/// What metrics and spans call a path that leads nowhere.
pub(super) const NO_ROUTE: &str = "none";

/// Makes the router and the list of its routes from one table, so that neither can lack what the other has.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:expr;)*) => {
        /// Every route.
        pub const ROUTES: &[Route] = &[$((stringify!($method), $path)),*];

        fn table() -> Router<Arc<App>> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

routes! {
    get "/health" => health::health;
    get "/ready" => health::ready;
    get "/metrics" => health::metrics;
    get "/openapi.json" => openapi::get;
    get "/api/v1/metrics" => health::metrics_document;
    get "/api/v1/tools" => tools::list;
    post "/api/v1/tools/{publisher}/{skill}/{tool}" => tools::call;
    post "/api/v1/chat" => chat::chat;
    get "/ws" => ws::open;
    get "/mcp" => mcp::serve;
    post "/mcp" => mcp::serve;
    delete "/mcp" => mcp::serve;
}

/// The name of a route for as long as the program runs.
pub(super) fn route_name(path: &str) -> &'static str {
    ROUTES.iter().map(|(_, route)| *route).find(|route| *route == path).unwrap_or(NO_ROUTE)
}

/// All routes, guarded.
pub(crate) fn router(app: Arc<App>) -> Router {
    table()
        .fallback(guard::no_path)
        .method_not_allowed_fallback(guard::no_method)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(Arc::clone(&app), guard::guard))
        .with_state(app)
}

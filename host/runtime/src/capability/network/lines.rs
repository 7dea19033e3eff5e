//! The parts of a request's first line, in place of wasmtime's own setters, which take strings of any length: each
//! request that a guest holds keeps what was set.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest, Method, OutgoingRequest, Scheme};

/// The interface whose setters are replaced.
const TYPES: &str = "wasi:http/types@0.2.12";

/// Bytes of a method or a scheme: the longest registered ones have 17 and 36.
const WORD_BYTES: usize = 64;
/// Bytes of a host and port; a name has at most 253.
const AUTHORITY_BYTES: usize = 512;
/// Bytes of a path and query: what servers commonly take.
const PATH_BYTES: usize = 8 << 10;

type Set = Result<(), ()>;
type Request = Resource<OutgoingRequest>;

/// Puts the setters in place of those that are linked.
pub(super) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> WasiHttpCtxView<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        move |mut store, (request, method): (Request, Method)| -> wasmtime::Result<(Set,)> {
            let length = if let Method::Other(text) = &method { text.len() } else { 0 };
            let mut view = view(store.data_mut());
            Ok((set(length, WORD_BYTES, || view.set_method(request, method))?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-scheme",
        move |mut store, (request, scheme): (Request, Option<Scheme>)| -> wasmtime::Result<(Set,)> {
            let length = if let Some(Scheme::Other(text)) = &scheme { text.len() } else { 0 };
            let mut view = view(store.data_mut());
            Ok((set(length, WORD_BYTES, || view.set_scheme(request, scheme))?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        move |mut store, (request, authority): (Request, Option<String>)| -> wasmtime::Result<(Set,)> {
            let mut view = view(store.data_mut());
            let length = authority.as_ref().map_or(0, String::len);
            Ok((set(length, AUTHORITY_BYTES, || view.set_authority(request, authority))?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        move |mut store, (request, path): (Request, Option<String>)| -> wasmtime::Result<(Set,)> {
            let mut view = view(store.data_mut());
            let length = path.as_ref().map_or(0, String::len);
            Ok((set(length, PATH_BYTES, || view.set_path_with_query(request, path))?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Sets what is short enough.
fn set(length: usize, most: usize, setter: impl FnOnce() -> wasmtime::Result<Set>) -> wasmtime::Result<Set> {
    if length > most { Ok(Err(())) } else { setter() }
}

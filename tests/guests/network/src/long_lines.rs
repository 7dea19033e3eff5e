//! Holds requests whose first lines are as long as the host lets them be.

use kit::{Input, Outcome, json};

use crate::wasi::http::types::{Fields, Method, OutgoingRequest, Scheme};

pub fn run(input: &Input) -> Outcome {
    let bytes = usize::try_from(input.number_or("bytes", 1 << 20)).unwrap_or(usize::MAX);
    let long = "a".repeat(bytes);
    let path = format!("/{long}");
    let mut held = Vec::new();
    let mut accepted = 0;
    for _ in 0..input.number_or("most", 500) {
        let request = OutgoingRequest::new(Fields::new());
        accepted += u32::from(request.set_authority(Some(&long)).is_ok());
        accepted += u32::from(request.set_path_with_query(Some(&path)).is_ok());
        accepted += u32::from(request.set_method(&Method::Other(long.clone())).is_ok());
        accepted += u32::from(request.set_scheme(Some(&Scheme::Other(long.clone()))).is_ok());
        held.push(request);
    }
    Ok(json!({ "requests": held.len(), "accepted": accepted }))
}

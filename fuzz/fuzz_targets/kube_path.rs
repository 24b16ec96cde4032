//! Paths of requests to Kubernetes: what is forwarded is read in one way only.

#![no_main]

use libfuzzer_sys::fuzz_target;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

fuzz_target!(|input: (u8, &str)| {
    let (method, uri) = input;
    jumpgate::server::kube::fuzzing::target(METHODS[usize::from(method) % METHODS.len()], uri);
});

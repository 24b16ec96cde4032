//! Headers of a client: no impersonation but the gate's own reaches the API server.

#![no_main]

use libfuzzer_sys::fuzz_target;

// The first line is the user, the second the groups, the others are the client's headers.
fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(3, |b| *b == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (Ok(user), Ok(groups)) = (std::str::from_utf8(next()), std::str::from_utf8(next())) else { return };
    let groups: Vec<&str> = groups.split(',').collect();
    jumpgate::server::kube::fuzzing::headers(user, &groups, next());
});

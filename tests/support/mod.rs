//! What the stories share.

pub(crate) mod fake_gate;
pub(crate) mod run;

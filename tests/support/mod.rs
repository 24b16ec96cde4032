//! What the stories share.

pub mod fake_gate;
pub mod run;
pub mod world;

//! What the stories share.

pub mod fake_gate;
pub mod in_process;
pub mod run;
pub mod world;

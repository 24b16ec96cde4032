//! What the stories share.

pub mod chromium;
pub mod fake_gate;
pub mod in_process;
pub mod modern;
pub mod proxies;
pub mod recorded;
pub mod replay;
pub mod run;
pub mod s3;
pub mod script;
pub mod world;

//! Audit events in Teleport's names and codes (wire facts 11.6), as JSON lines in the data directory.

mod event;
mod log;
mod recording;
mod strangers;

pub use event::{Event, KubeRequest, Login, Outcome, Requester, Stream, StreamKind};
pub use log::AuditLog;
pub use recording::RecordingEvent;

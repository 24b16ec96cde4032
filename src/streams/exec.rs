//! stub
use super::channels::{resize::TerminalSize, status::Outcome, websocket::ChannelProtocol, *};
use bytes::Bytes;
/// x
pub enum Heard {
    /// x
    Bytes(Role, Bytes),
    /// x
    Resize(TerminalSize),
    /// x
    Outcome(Outcome),
}
/// x
pub struct Listener;
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct ListenError;
impl Listener {
    /// x
    pub fn spdy(_p: ExecProtocol) -> Self {
        Self
    }
    /// x
    pub fn websocket(_p: ChannelProtocol) -> Self {
        Self
    }
    /// x
    pub fn client(&mut self, _b: &[u8], _h: &mut Vec<Heard>) -> Result<(), ListenError> {
        Ok(())
    }
    /// x
    pub fn server(&mut self, _b: &[u8], _h: &mut Vec<Heard>) -> Result<(), ListenError> {
        Ok(())
    }
    /// x
    pub fn finish(&mut self, _h: &mut Vec<Heard>) {}
}

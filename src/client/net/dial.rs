//! From a name to a TCP connection: look-up, then the addresses in turn, each a little after the one before it, and the
//! first that answers wins (RFC 8305, "happy eyeballs").

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{net::TcpStream, time::timeout};

use super::{
    Limits,
    error::{NetError, Phase},
};
use crate::client::address::Address;

/// How long one address has before the next is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to an address.
pub(super) async fn connect(address: &Address, limits: &Limits) -> Result<TcpStream, NetError> {
    let found = lookup(address, limits).await?;
    let late = NetError::Timeout { phase: Phase::Connect, seconds: limits.connect.as_secs() };
    let stream = timeout(limits.connect, race(&found)).await.map_err(|_| late)?;
    let stream = stream.map_err(|e| NetError::of_connect(&e))?;
    // A request is a few small writes; it shall not wait for the one before to be acknowledged.
    if let Err(reason) = stream.set_nodelay(true) {
        tracing::debug!(%reason, "TCP_NODELAY");
    }
    if let Ok(peer) = stream.peer_addr() {
        tracing::debug!(%address, %peer, "connected");
    }
    Ok(stream)
}

/// The addresses of a name, in the order in which they are tried.
pub(super) async fn lookup(address: &Address, limits: &Limits) -> Result<Vec<SocketAddr>, NetError> {
    if let Ok(ip) = address.host.parse() {
        return Ok(vec![SocketAddr::new(ip, address.port)]);
    }
    let late = NetError::Timeout { phase: Phase::Lookup, seconds: limits.lookup.as_secs() };
    let host = &address.host;
    let answer = tokio::net::lookup_host((host.as_str(), address.port));
    let found = timeout(limits.lookup, answer).await.map_err(|_| late)?;
    let found: Vec<SocketAddr> = found.map_err(|e| NetError::of_lookup(host, &e))?.collect();
    if found.is_empty() {
        return Err(NetError::NoSuchHost { host: host.clone() });
    }
    tracing::debug!(%host, ?found, "name looked up");
    Ok(in_turns(found))
}

/// The families in turns, the resolver's first choice first (RFC 8305, section 4).
fn in_turns(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = found.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let mut turns = Vec::with_capacity(one.len() + other.len());
    one.reverse();
    other.reverse();
    while !(one.is_empty() && other.is_empty()) {
        turns.extend(one.pop());
        turns.extend(other.pop());
    }
    turns
}

/// The first address that takes the connection. When none does, what the first said.
async fn race(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut trying = FuturesUnordered::new();
    let mut failed = None;
    loop {
        if let Some(next) = waiting.next() {
            trying.push(TcpStream::connect(*next));
        }
        let more = waiting.len() > 0;
        tokio::select! {
            done = trying.next() => match done {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(reason)) => { failed.get_or_insert(reason); }
                None => return Err(failed.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())),
            },
            () = tokio::time::sleep(HEAD_START), if more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns() {
        let of = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let turns = in_turns(of(&["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1"]));
        assert_eq!(turns, of(&["[::1]:1", "127.0.0.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(in_turns(of(&["1.1.1.1:1", "[::2]:1"])), of(&["1.1.1.1:1", "[::2]:1"]));
    }

    #[tokio::test]
    async fn a_dead_address_does_not_hold_up_the_next() {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = tcp.local_addr().unwrap();
        // One refuses at once; one belongs to nobody (RFC 5737) and, where there is a way to it, never answers.
        let refusing = SocketAddr::new("127.0.0.1".parse().unwrap(), 1);
        let silent = "192.0.2.1:9".parse().unwrap();
        let began = std::time::Instant::now();
        let stream = race(&[silent, refusing, alive]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        let all_dead = race(&[refusing]).await.unwrap_err();
        assert_eq!(NetError::of_connect(&all_dead), NetError::Refused);
    }
}

//! Places for connections: how many at a time, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_rustls::server::TlsStream;

use super::super::metrics::OpenGuard;

type Addresses = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The places of a listener.
pub(super) struct Places {
    all: Arc<Semaphore>,
    addresses: Addresses,
    per_address: usize,
}

impl Places {
    /// So many in all and so many from one address.
    pub(super) fn new(all: usize, per_address: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), addresses: Arc::default(), per_address }
    }

    /// A place for a connection; without one, why.
    pub(super) fn take(
        &self,
        ip: IpAddr,
        open: OpenGuard,
        alive: mpsc::Sender<()>,
    ) -> Result<Place, &'static str> {
        let permit = self.all.clone().try_acquire_owned().map_err(|_| "full")?;
        let address = AddressGuard::new(&self.addresses, network_of(ip), self.per_address)
            .ok_or("too many from one address")?;
        Ok(Place { _permit: permit, _address: address, _open: open, _alive: alive })
    }
}

/// An IPv6 customer has a /64 at least, so single addresses there mean nothing.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

/// A connection's place; it goes with the connection into a tunnel, and is free again when that ends.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _address: AddressGuard,
    _open: OpenGuard,
    _alive: mpsc::Sender<()>,
}

struct AddressGuard {
    addresses: Addresses,
    ip: IpAddr,
}

impl AddressGuard {
    fn new(addresses: &Addresses, ip: IpAddr, most: usize) -> Option<Self> {
        let mut counts = addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Self { addresses: addresses.clone(), ip })
    }
}

impl Drop for AddressGuard {
    fn drop(&mut self) {
        let mut counts = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.ip);
            }
        }
    }
}

/// A stream that keeps its place.
pub(super) struct Occupied {
    stream: TlsStream<TcpStream>,
    _place: Place,
}

impl Occupied {
    /// Puts both together.
    pub(super) fn new(stream: TlsStream<TcpStream>, place: Place) -> Self {
        Self { stream, _place: place }
    }
}

impl AsyncRead for Occupied {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Occupied {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

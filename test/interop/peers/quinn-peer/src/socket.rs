//! A UDP socket that can be replaced without telling quinn, as a NAT does when it rebinds.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};

#[derive(Debug)]
pub struct SwapSocket {
    current: Mutex<Arc<dyn AsyncUdpSocket>>,
    reader: Mutex<Option<Waker>>,
}

impl SwapSocket {
    pub fn bind(address: SocketAddr) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { current: Mutex::new(Self::open(address)?), reader: Mutex::new(None) }))
    }

    fn open(address: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(std::net::UdpSocket::bind(address)?)
    }

    fn current(&self) -> Arc<dyn AsyncUdpSocket> {
        self.current.lock().unwrap().clone()
    }

    /// From now on everything leaves from a new port; what arrives at the old one is lost.
    pub fn swap(&self, address: SocketAddr) -> io::Result<()> {
        *self.current.lock().unwrap() = Self::open(address)?;
        // the reader sleeps on the old socket: wake it, so that it registers with the new one
        if let Some(waker) = self.reader.lock().unwrap().take() {
            waker.wake();
        }
        Ok(())
    }
}

impl AsyncUdpSocket for SwapSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        let polled = self.current();
        Box::pin(SwapPoller { poller: polled.clone().create_io_poller(), polled, socket: self })
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        self.current().try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        *self.reader.lock().unwrap() = Some(cx.waker().clone());
        self.current().poll_recv(cx, bufs, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.current().local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.current().max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.current().max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.current().may_fragment()
    }
}

/// Waits for the socket that is in use: were it the old one, which is always writable, quinn would
/// try for ever to send on a new one that is not ready yet.
#[derive(Debug)]
struct SwapPoller {
    socket: Arc<SwapSocket>,
    polled: Arc<dyn AsyncUdpSocket>,
    poller: Pin<Box<dyn UdpPoller>>,
}

impl UdpPoller for SwapPoller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        let current = self.socket.current();
        if !Arc::ptr_eq(&current, &self.polled) {
            self.poller = current.clone().create_io_poller();
            self.polled = current;
        }
        self.poller.as_mut().poll_writable(cx)
    }
}

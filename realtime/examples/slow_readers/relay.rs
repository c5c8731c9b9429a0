//! The way between one client and the server, on which everything can be lost.
//!
//! Sockets on loopback cannot lose their network, so the client speaks through this. While the network is lost nothing
//! passes, in either direction, and nothing is closed. What was connected then never passes anything again; what connects
//! meanwhile passes once the network is back.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::Result;

/// A relay, which ends when this is dropped.
pub struct Relay {
    address: SocketAddr,
    lost: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens on a free port for clients of this server.
    pub async fn start(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let lost = watch::Sender::new(false);
        let loss = lost.subscribe();
        let task = tokio::spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                ways.spawn(carry(client, server, loss.clone()));
            }
        });
        Ok(Self {
            address,
            lost,
            task,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loses the network, or finds it again.
    pub fn lose(&self, lost: bool) {
        self.lost.send_replace(lost);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, mut loss: watch::Receiver<bool>) {
    let carried = async {
        becomes(&mut loss, false).await;
        let mut server = TcpStream::connect(server).await?;
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        tokio::select! {
            carried = copy_bidirectional(&mut client, &mut server) => carried.map(drop),
            // Both sockets stay as they are, until the relay ends.
            () = becomes(&mut loss, true) => std::future::pending().await,
        }
    };
    let _ = carried.await;
}

/// Waits until the network is lost, or is there.
async fn becomes(loss: &mut watch::Receiver<bool>, lost: bool) {
    // The relay that would say so may be gone: then it ends this, too.
    let _ = loss.wait_for(|now| *now == lost).await;
}

//! Servers that encrypt.

use super::*;
use crate::server::broker::redis::servers::{RedisServer, strange_ca};

#[tokio::test]
async fn a_certificate_is_checked_with_the_own_ca_unless_told_otherwise() {
    let (_server, tls) = RedisServer::start_tls(&[]);
    for host in ["localhost", "127.0.0.1"] {
        let mut config = config(&format!("rediss://{host}:{}", tls.port));
        config.ca = Some(tls.ca.clone().into_bytes());
        let (mut connection, _pushes) = open(&config).await.unwrap();
        set(&mut connection, "key", "value").await.unwrap();

        config.ca = Some(strange_ca().into_bytes());
        let said = refused(&config).await;
        assert!(said.contains("REDIS_CA_FILE"), "{said}");

        // The system's knows nothing of it either.
        config.ca = None;
        let said = refused(&config).await;
        assert!(said.contains("REDIS_CA_FILE"), "{said}");

        config.verify = false;
        open(&config).await.unwrap();
    }
    let mut unreadable = config(&format!("rediss://localhost:{}", tls.port));
    unreadable.ca = Some(b"nothing".to_vec());
    assert!(Client::new(&unreadable).is_err());
}

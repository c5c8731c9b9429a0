//! Which cryptography, and whose certificates.

use redis::TlsCertificates;

/// redis-rs leaves the choice of cryptography to the process: where nobody has chosen, *ring*.
pub(super) fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails where somebody chose between: then that is it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

pub(super) fn own_ca(pem: Vec<u8>) -> TlsCertificates {
    TlsCertificates {
        client_tls: None,
        root_cert: Some(pem),
    }
}

/// Whether a CA's certificates can be read; otherwise why not.
pub(in super::super) fn check_certificates(pem: &[u8]) -> Result<(), String> {
    let found = String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----");
    if !found {
        return Err("it holds no certificate".to_owned());
    }
    redis::Client::build_with_tls("rediss://localhost", own_ca(pem.to_vec()))
        .map(drop)
        .map_err(|error| format!("its certificates cannot be read ({error})"))
}

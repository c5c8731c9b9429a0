//! Servers that encrypt.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{RedisServer, folder, free_port};

impl RedisServer {
    /// One that encrypts: with a certificate for `localhost` and `127.0.0.1` from a CA of its own, whose certificate is
    /// returned too. [`port`](Self::port) is still the plain one.
    pub fn start_tls(options: &[&str]) -> (Self, Tls) {
        let folder = folder();
        let port = free_port();
        let ca = write_certificates(&folder);
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (certificate, key, authority) =
            (file("server.pem"), file("server.key"), file("ca.pem"));
        let port_text = port.to_string();
        let encrypted: &[&str] = &[
            "--tls-port",
            &port_text,
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &authority,
            "--tls-auth-clients",
            "no",
        ];
        let server = Self::start(&[encrypted, options].concat());
        (server, Tls { port, ca, folder })
    }
}

/// What a client needs for a server that encrypts.
pub struct Tls {
    /// Its encrypted port.
    pub port: u16,
    /// The CA's certificate, in PEM.
    pub ca: String,
    folder: PathBuf,
}

impl Tls {
    /// The file with the CA's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A CA and a certificate of a server from it; returns the CA's, in PEM.
fn write_certificates(folder: &Path) -> String {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, &ca).unwrap();
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    ca.pem()
}

/// A CA that has nothing to do with any server.
pub fn strange_ca() -> String {
    let folder = folder();
    let ca = write_certificates(&folder);
    let _ = fs::remove_dir_all(&folder);
    ca
}

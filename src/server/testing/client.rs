//! A client that speaks TLS, and the keys of a node.

use super::World;
use crate::model::wire::{EnrollAnswer, EnrollRequest};
use crate::signing::SigningKey;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The keys of a node.
pub(in crate::server) struct NodeKeys {
    pub(in crate::server) name: String,
    pub(in crate::server) tls: KeyPair,
    pub(in crate::server) report: SigningKey,
}

impl NodeKeys {
    pub(in crate::server) fn new(name: &str) -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let tls = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self { name: name.to_owned(), tls, report: SigningKey::generate(seed) }
    }

    pub(in crate::server) fn request(&self, token: Option<&str>) -> EnrollRequest {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.name.as_str());
        EnrollRequest {
            node: self.name.parse().unwrap(),
            csr: params.serialize_request(&self.tls).unwrap().pem().unwrap(),
            report_key: self.report.public().to_line(),
            token: token.map(ToOwned::to_owned),
        }
    }
}

/// An enrolled node.
pub(in crate::server) struct NodeClient {
    pub(in crate::server) client: Client,
    pub(in crate::server) keys: NodeKeys,
    pub(in crate::server) pem: String,
}

impl NodeClient {
    /// The same node, asking another server.
    pub(in crate::server) fn at(&self, world: &World) -> Client {
        Client::new(world, Some((&self.pem, &self.keys.tls)))
    }
}

impl std::ops::Deref for NodeClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Speaks HTTP/1.1 over TLS, one connection for each request.
pub(in crate::server) struct Client {
    address: SocketAddr,
    settings: Arc<ClientConfig>,
}

/// What the server answered.
#[derive(Debug)]
pub(in crate::server) struct Answer {
    pub(in crate::server) status: u16,
    pub(in crate::server) head: String,
    pub(in crate::server) body: Vec<u8>,
}

impl Answer {
    pub(in crate::server) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(in crate::server) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// One open connection.
pub(in crate::server) struct Open {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Open {
    /// The status of the answer to a request over this connection.
    pub(in crate::server) fn get(&mut self, path: &str) -> u16 {
        write!(self.stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        self.stream.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The certificate that the server showed.
    pub(in crate::server) fn certificate(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().unwrap()[0].to_vec()
    }
}

impl Client {
    pub(in crate::server) fn new(world: &World, own: Option<(&str, &KeyPair)>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(world.layout.server_ca()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let settings = match own {
            None => builder.with_no_client_auth(),
            Some((pem, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        Self { address: world.address, settings: Arc::new(settings) }
    }

    pub(in crate::server) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), b"").unwrap()
    }

    pub(in crate::server) fn get_if_changed(&self, path: &str, tag: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nIf-None-Match: {tag}\r\n"), b"").unwrap()
    }

    pub(in crate::server) fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send(&format!("POST {path} HTTP/1.1\r\n"), &serde_json::to_vec(body).unwrap()).unwrap()
    }

    pub(in crate::server) fn enroll(&self, request: &EnrollRequest) -> EnrollAnswer {
        let answer = self.post("/v1/enroll", request);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    fn connect(&self) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.settings), name).unwrap();
        let socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(StreamOwned::new(connection, socket))
    }

    /// A connection that stays open between requests.
    pub(in crate::server) fn open(&self) -> Open {
        Open { stream: self.connect().unwrap() }
    }

    /// Sends the first lines of a request with the rest of it, and reads the answer to its end.
    pub(in crate::server) fn send(&self, first: &str, body: &[u8]) -> std::io::Result<Answer> {
        let mut stream = self.connect()?;
        let length = body.len();
        write!(stream, "{first}Host: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Answer { status, head, body: answer[end + 4..].to_vec() })
    }
}

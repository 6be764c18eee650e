//! The attacker's HTTPS server: it answers each path with what the attacker wants, down to single bytes.

use rcgen::{CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Paths inside a publication, and what is there.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What is answered to one path.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// These bytes with the right length, as an honest server would.
    Whole(Vec<u8>),
    /// Exactly these bytes on the wire, head included; then the connection ends.
    Raw(Vec<u8>),
    /// These bytes on the wire, and then one kind of byte for as long as anybody reads.
    Endless(Vec<u8>, u8),
    /// A byte every tenth of a second.
    Drip,
    /// Nothing, and the connection stays open.
    Silence,
}

/// Who the server claims to be, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// The server's own certificate authority certified it: the attacker has the key.
    Owned,
    /// Another authority.
    OtherAuthority,
    /// Another authority, with the certificate of the pinned one shown besides.
    BorrowedAuthority,
    /// The pinned authority certified another name.
    OtherName,
    /// The pinned authority certified it, long ago.
    Expired,
    /// The nodes' authority certified it, as a node.
    NodeAuthority,
    /// An older version of TLS.
    OldTls,
    /// No TLS: HTTP in the clear.
    Clear,
    /// Nobody answers the handshake.
    Mute,
}

type Settings = Arc<ServerConfig>;

/// One TLS setting for each front.
pub(super) struct Certificates {
    settings: Vec<(Front, Settings)>,
    nodes: Issuer<'static, KeyPair>,
}

/// A certificate authority: its certificate and what signs for it.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn load(tls: &Path, name: &str) -> Self {
        let certificate = CertificateDer::from_pem_file(tls.join(format!("{name}.pem"))).unwrap();
        let key = std::fs::read_to_string(tls.join(format!("{name}.key"))).unwrap();
        let issuer = Issuer::from_ca_cert_der(&certificate, KeyPair::from_pem(&key).unwrap()).unwrap();
        Self { certificate, issuer }
    }

    /// An authority that looks like `other` and is not.
    fn rogue(other: &Self) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "countersign server authority");
        let certificate = params.self_signed(&key).unwrap().der().clone();
        assert_ne!(certificate, other.certificate);
        let issuer = Issuer::from_ca_cert_der(&certificate, key).unwrap();
        Self { certificate, issuer }
    }

    /// A server with a certificate by this authority for `name`, which `change` may spoil, and this chain behind it.
    fn server(
        &self,
        name: &str,
        chain: &[&CertificateDer<'static>],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Settings {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let behind = chain.iter().map(|certificate| (*certificate).clone());
        settings(std::iter::once(leaf).chain(behind).collect(), &key, &rustls::version::TLS13)
    }
}

fn settings(
    chain: Vec<CertificateDer<'static>>,
    key: &KeyPair,
    version: &'static rustls::SupportedProtocolVersion,
) -> Settings {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

impl Certificates {
    /// With the authorities' keys out of a server's directory, which the attacker has.
    pub(super) fn of(tls: &Path) -> Self {
        let (own, nodes) = (Authority::load(tls, "server-ca"), Authority::load(tls, "node-ca"));
        let rogue = Authority::rogue(&own);
        let (us, keep) = ("127.0.0.1", |_: &mut CertificateParams| {});
        let expired = |params: &mut CertificateParams| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        };
        let node = |params: &mut CertificateParams| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        };
        let key = KeyPair::generate().unwrap();
        let old = CertificateParams::new(vec![us.to_owned()]).unwrap().signed_by(&key, &own.issuer).unwrap();
        let old = settings(vec![old.der().clone(), own.certificate.clone()], &key, &rustls::version::TLS12);
        let both = [&rogue.certificate, &own.certificate];
        let settings = vec![
            (Front::Owned, own.server(us, &[&own.certificate], keep)),
            (Front::OtherAuthority, rogue.server(us, &both[..1], keep)),
            (Front::BorrowedAuthority, rogue.server(us, &both, keep)),
            (Front::OtherName, own.server("other.example", &[&own.certificate], keep)),
            (Front::Expired, own.server(us, &[&own.certificate], expired)),
            (Front::NodeAuthority, nodes.server(us, &[&nodes.certificate, &own.certificate], node)),
            (Front::OldTls, old),
        ];
        Self { settings, nodes: nodes.issuer }
    }

    fn of_front(&self, front: Front) -> Option<Settings> {
        self.settings.iter().find(|(of, _)| *of == front).map(|(_, settings)| settings.clone())
    }

    /// A node's certificate for the key of a request.
    pub(super) fn node(&self, request: &str) -> String {
        CertificateSigningRequestParams::from_pem(request).unwrap().signed_by(&self.nodes).unwrap().pem()
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// Who it claims to be.
    pub(super) front: Front,
    /// Whole request targets and the answers; everything else is not found.
    pub(super) replies: BTreeMap<String, Reply>,
}

/// A running server.
pub(super) struct Server {
    /// Its address.
    pub(super) url: String,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.asked.lock().unwrap().push("stop".to_owned());
        drop(TcpStream::connect(self.address));
    }
}

impl Server {
    /// Starts on a port of its own.
    pub(super) fn start(script: impl Into<Script>, certificates: &Certificates) -> Self {
        let script: Script = script.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (settings, asked) = (certificates.of_front(script.front), Arc::new(Mutex::new(Vec::new())));
        let (script, log) = (Arc::new(script), asked.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if log.lock().unwrap().last().is_some_and(|last| last == "stop") {
                    return;
                }
                let (script, settings, log) = (script.clone(), settings.clone(), log.clone());
                std::thread::spawn(move || speak(socket, &script, settings, &log));
            }
        });
        Self { url: format!("https://{address}"), address, asked }
    }

    /// What was asked: method, target and body.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn speak(mut socket: TcpStream, script: &Script, settings: Option<Settings>, log: &Mutex<Vec<String>>) {
    match (script.front, settings) {
        (Front::Mute, _) => std::thread::sleep(Duration::from_secs(5)),
        (_, None) => drop(socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")),
        (_, Some(settings)) => {
            let connection = ServerConnection::new(settings).unwrap();
            let mut stream = StreamOwned::new(connection, socket);
            while let Some((target, line)) = request(&mut stream) {
                log.lock().unwrap().push(line);
                let reply = script.replies.get(&target).cloned();
                if !answer(&mut stream, reply) {
                    break;
                }
            }
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
    }
}

/// The target of a request, and one line with everything that was said.
fn request(stream: &mut impl Read) -> Option<(String, String)> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    Some((target.to_owned(), format!("{method} {target} {}", String::from_utf8_lossy(&body))))
}

/// Says whether the connection goes on.
fn answer(stream: &mut impl Write, reply: Option<Reply>) -> bool {
    const HEAD: &str = "HTTP/1.1 200 OK\r\n";
    match reply {
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").is_ok(),
        Some(Reply::Whole(bytes)) => {
            let head = format!("{HEAD}etag: \"honest\"\r\ncontent-length: {}\r\n\r\n", bytes.len());
            stream.write_all(&[head.into_bytes(), bytes].concat()).is_ok() && stream.flush().is_ok()
        }
        Some(Reply::Raw(bytes)) => {
            drop(stream.write_all(&bytes));
            false
        }
        Some(Reply::Endless(head, byte)) => {
            drop(stream.write_all(&head));
            while stream.write_all(&[byte; 4096]).is_ok() {}
            false
        }
        Some(Reply::Drip) => {
            drop(stream.write_all(format!("{HEAD}content-length: 4096\r\n\r\n").as_bytes()));
            while stream.write_all(b" ").is_ok() && stream.flush().is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
            false
        }
        Some(Reply::Silence) => {
            std::thread::sleep(Duration::from_secs(5));
            false
        }
    }
}

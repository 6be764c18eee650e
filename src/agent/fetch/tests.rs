//! The client against real TLS on a loopback port: honest servers, impostors, and servers that never end.

use super::*;
use crate::agent::identity::public_key;
use crate::model::Digest;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    fn pin(&self) -> Digest {
        public_key(self.0.der()).unwrap()
    }

    /// A server for 127.0.0.1 that shows `chain` behind its own certificate and answers with `answer`.
    fn serve(&self, chain: &[CertificateDer<'static>], answer: fn(&str, &mut Stream)) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.0).unwrap();
        let chain = [&[leaf.der().clone()], chain].concat();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let connection = ServerConnection::new(config.clone()).unwrap();
                let mut stream = StreamOwned::new(connection, socket);
                if let Some(path) = request(&mut stream) {
                    answer(&path, &mut stream);
                    stream.conn.send_close_notify();
                    drop(stream.flush());
                }
            }
        });
        address
    }
}

fn request(stream: &mut Stream) -> Option<String> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    head.split(' ').nth(1).map(str::to_owned)
}

fn whole(path: &str, stream: &mut Stream) {
    let head = format!(
        "HTTP/1.1 200 OK\r\netag: \"a\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        path.len()
    );
    drop(stream.write_all(format!("{head}{path}").as_bytes()));
}

fn endless(_path: &str, stream: &mut Stream) {
    if stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").is_ok() {
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    }
}

fn cut(_path: &str, stream: &mut Stream) {
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4096\r\nconnection: close\r\n\r\nhalf"));
}

fn dripping(_path: &str, stream: &mut Stream) {
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n"));
    while stream.write_all(b"x").is_ok() && stream.flush().is_ok() {
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn moved(_path: &str, stream: &mut Stream) {
    drop(stream.write_all(
        b"HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ));
}

fn busy(_path: &str, stream: &mut Stream) {
    drop(stream.write_all(
        b"HTTP/1.1 503 Busy\r\nretry-after: 77\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ));
}

/// Says no to the first request of a connection, and yes to the second.
fn no_and_yes(_path: &str, stream: &mut Stream) {
    drop(stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 14\r\n\r\n{\"error\": \"x\"}"));
    if let Some(path) = request(stream) {
        whole(&path, stream);
    }
}

fn ask(address: &str, trust: Trust) -> Result<Answer, FetchError> {
    Https::new(address, trust, None)?.get(&Want::new("root/1.json", 64))
}

fn ask_honest_chain(answer: fn(&str, &mut Stream)) -> Result<Answer, FetchError> {
    let authority = Authority::new();
    let address = authority.serve(&[authority.certificate()], answer);
    ask(&address, Trust::Authority(authority.pin()))
}

#[test]
fn a_server_under_the_pinned_authority_is_heard() {
    let answer = ask_honest_chain(whole).unwrap();
    let bytes = b"/pub/root/1.json".to_vec();
    assert_eq!(answer, Answer::Bytes { bytes, etag: Some("\"a\"".into()) });
}

#[test]
fn d43_a_rogue_server_is_refused() {
    let (real, rogue) = (Authority::new(), Authority::new());
    for chain in [
        vec![rogue.certificate()],
        // The pinned authority's certificate is public: to show it is not to have been certified by it.
        vec![real.certificate()],
        vec![rogue.certificate(), real.certificate()],
        vec![],
    ] {
        let address = rogue.serve(&chain, whole);
        let refused = ask(&address, Trust::Authority(real.pin()));
        assert!(matches!(refused, Err(FetchError::Authority { .. })), "{refused:?}");
        assert!(ask(&address, Trust::AnyoneForRoots).is_ok());
    }
}

#[test]
fn t2_an_endless_answer_ends_at_the_cap() {
    let refused = ask_honest_chain(endless);
    assert!(matches!(refused, Err(FetchError::TooLong { cap: 64, .. })), "{refused:?}");
}

#[test]
fn t12_a_cut_answer_is_no_answer() {
    let refused = ask_honest_chain(cut);
    assert!(matches!(refused, Err(FetchError::Unreachable { .. })), "{refused:?}");
}

#[test]
fn t11_a_dripping_answer_ends_at_the_deadline() {
    let authority = Authority::new();
    let address = authority.serve(&[authority.certificate()], dripping);
    let begun = std::time::Instant::now();
    let client = Https::new(&address, Trust::Authority(authority.pin()), None).unwrap();
    let client = client.until(Deadline::after(Duration::from_millis(700)));
    let refused = client.get(&Want::new("catalog/x", 4096));
    assert!(matches!(refused, Err(FetchError::TooSlow { .. })), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_is_missing_costs_no_connection() {
    let authority = Authority::new();
    let address = authority.serve(&[authority.certificate()], no_and_yes);
    let client = Https::new(&address, Trust::Authority(authority.pin()), None).unwrap();
    assert_eq!(client.get(&Want::new("root/2.json", 64)).unwrap(), Answer::Missing);
    let answer = client.get(&Want::new("root/1.json", 64)).unwrap();
    assert!(matches!(answer, Answer::Bytes { .. }), "{answer:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let refused = ask_honest_chain(moved);
    assert!(matches!(refused, Err(FetchError::Refused { status: 302, .. })), "{refused:?}");
}

#[test]
fn a_busy_server_says_when_to_come_back() {
    let refused = ask_honest_chain(busy);
    let Err(FetchError::Busy { retry_after, .. }) = refused else { unreachable!("{refused:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(77)));
}

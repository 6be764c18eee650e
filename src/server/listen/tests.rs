//! Connections: wrong certificates, slow clients, and the end of the server.

use crate::server::Limits;
use crate::server::authority::{self, Authority};
use crate::server::testing::{Client, NodeKeys, World, now};
use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a_certificate_of_another_authority_gets_no_connection() {
    let world = World::start();
    let keys = NodeKeys::new("web1.web");
    let scratch = tempfile::tempdir().unwrap();
    let made = authority::create("Countersign node authority", now()).unwrap();
    let (pem, key) = (scratch.path().join("ca.pem"), scratch.path().join("ca.key"));
    std::fs::write(&pem, made.certificate).unwrap();
    std::fs::write(&key, made.key).unwrap();
    let request = authority::read_request(&keys.request(None).csr).unwrap();
    let forged = Authority::load(&pem, &key).unwrap().issue_node(&request, now()).unwrap();
    let client = Client::new(&world, Some((&forged.pem, &keys.tls)));
    assert!(client.send("GET /healthz HTTP/1.1\r\n", b"").is_err());
    assert_eq!(world.stranger().get("/healthz").status, 200);
}

#[test]
fn a_servers_certificate_is_no_nodes() {
    let world = World::start();
    let authority = Authority::load(&world.layout.server_ca(), &world.layout.server_ca_key()).unwrap();
    let own = authority.issue_server(&["web1.web".to_owned()], now()).unwrap();
    let key = rcgen::KeyPair::from_pem(&own.key).unwrap();
    let client = Client::new(&world, Some((&own.certificate, &key)));
    assert!(client.send("GET /healthz HTTP/1.1\r\n", b"").is_err());
}

#[test]
fn t11_a_client_that_says_nothing_is_dropped_and_holds_up_nobody() {
    let handshake = Duration::from_millis(300);
    let world = World::with(Limits { handshake, ..Limits::default() });
    let mut silent = TcpStream::connect(world.address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(world.stranger().get("/healthz").status, 200);
    let start = Instant::now();
    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn the_server_ends_while_a_node_waits_and_the_node_gets_its_answer() {
    let mut world = World::with(Limits { trigger_poll: Duration::from_secs(30), ..Limits::default() });
    let node = world.node("web1.web");
    let waiting = std::thread::spawn(move || node.get("/v1/triggers").status);
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    world.stop();
    assert_eq!(waiting.join().unwrap(), 200);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_busy_server_says_when_to_come_back() {
    let world = World::with(Limits { publication: 0, ..Limits::default() });
    let answer = world.stranger().get("/pub/root/1.json");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
}

//! Connections: wrong certificates, slow clients, and the end of the server.

use crate::server::Limits;
use crate::server::authority::{self, Authority};
use crate::server::testing::{Client, NodeKeys, World, now};
use crate::store::NodeState;
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

#[test]
fn a_running_server_renews_its_certificate_and_drops_no_connection() {
    let look = Duration::from_millis(50);
    let world = World::with(Limits { certificate_look: look, ..Limits::default() });
    let mut open = world.stranger().open();
    assert_eq!(open.get("/healthz"), 200);
    let first = open.certificate();
    // As if it had been made when two thirds of its life ago.
    let authority = Authority::load(&world.layout.server_ca(), &world.layout.server_ca_key()).unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let old = now().plus(-authority::SERVER_LIFE / 3 * 2 - 3600);
    let made = authority.issue_server(&names, old).unwrap();
    assert!(!authority::is_fresh(&write(&world, &made), &names, now()).unwrap());
    let renewed = std::iter::repeat_with(|| {
        std::thread::sleep(look);
        let mut fresh = world.stranger().open();
        assert_eq!(fresh.get("/healthz"), 200);
        fresh.certificate()
    });
    assert!(renewed.take(400).any(|certificate| certificate != first), "the certificate was never renewed");
    assert_eq!(open.get("/healthz"), 200);
    assert_eq!(open.certificate(), first);
    assert!(authority::is_fresh(&world.layout.certificate(), &names, now()).unwrap());
}

fn write(world: &World, made: &authority::Certified) -> std::path::PathBuf {
    crate::server::init::put_certificate(&world.layout, made).unwrap();
    world.layout.certificate()
}

#[test]
fn t14_a_node_that_was_denied_is_out_at_its_next_request_over_an_open_connection() {
    let world = World::start();
    let node = world.node("web1.web");
    let mut open = node.open();
    assert_eq!(open.get("/v1/triggers"), 200);
    world.decide("web1.web", NodeState::Accepted, NodeState::Denied);
    assert_eq!(open.get("/v1/triggers"), 403);
    assert_eq!(open.get("/healthz"), 200, "the connection itself is nobody's secret");
}

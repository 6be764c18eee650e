//! Health checks over the network: whether something accepts a connection, or answers over HTTP. Commands are run where
//! all commands are.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Bytes of an answer that are looked at: the status is in its first line.
const HEAD: usize = 256;

/// Connects, within `time`.
///
/// # Errors
/// When nothing accepts; the last address that was tried says why.
pub(super) fn tcp(address: &str, time: Duration) -> Result<(), String> {
    connect(address, Instant::now() + time).map(drop).map_err(|error| format!("{address}: {error}"))
}

/// Asks for a URL that begins with `http://`, within `time`. A status of 200 to 399 is well.
///
/// # Errors
/// When there is no such answer.
pub(super) fn http(url: &str, time: Duration) -> Result<(), String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("`{url}` is no http:// URL"))?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let port = if host.rsplit(']').next().unwrap_or(host).contains(':') { "" } else { ":80" };
    let status = ask((&format!("{host}{port}"), host, &path), Instant::now() + time);
    match status.map_err(|error| format!("{url}: {error}"))? {
        Some(200..=399) => Ok(()),
        Some(other) => Err(format!("{url} answers with status {other}")),
        None => Err(format!("{url} does not answer as HTTP does")),
    }
}

fn ask((address, host, path): (&str, &str, &str), end: Instant) -> io::Result<Option<u16>> {
    let mut stream = connect(address, end)?;
    stream.set_write_timeout(Some(left(end)?))?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: countersign\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut buffer = [0; HEAD];
    while head.len() < HEAD && !head.contains(&b'\n') {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(&mut buffer)? {
            0 => break,
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
    let text = String::from_utf8_lossy(&head);
    let mut words = text.split_ascii_whitespace();
    let version = words.next().is_some_and(|word| word.starts_with("HTTP/"));
    Ok(words.next().filter(|_| version).and_then(|status| status.parse().ok()))
}

fn connect(address: &str, end: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no such address");
    let address = address.to_owned();
    for address in by(end, move || address.to_socket_addrs())?? {
        match TcpStream::connect_timeout(&address, left(end)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What `work` comes to by then. It goes on where nobody waits for it any more: a lookup of the system's cannot be given up.
fn by<T: Send + 'static>(end: Instant, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || drop(sender.send(work())));
    receiver.recv_timeout(left(end)?).map_err(|_| io::ErrorKind::TimedOut.into())
}

fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const TIME: Duration = Duration::from_secs(10);

    /// Answers the next connection with this, and gives what was asked.
    fn server(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&buffer[..count]).into_owned()
        });
        (address, thread)
    }

    #[test]
    fn a_status_of_success_or_a_redirect_is_well_and_nothing_else_is() {
        for (answer, well) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.0 302 Found\r\n\r\n", true),
            ("HTTP/1.1 404 Not Found\r\n\r\n", false),
            ("HTTP/1.1 500 Oops\r\n\r\n", false),
            ("SSH-2.0-x 200\r\n", false),
            ("", false),
        ] {
            let (address, thread) = server(answer);
            assert_eq!(http(&format!("http://{address}/up?x=1"), TIME).is_ok(), well, "{answer}");
            let asked = thread.join().unwrap();
            assert!(asked.starts_with("GET /up?x=1 HTTP/1.0\r\n"), "{asked}");
        }
    }

    #[test]
    fn what_does_not_listen_or_does_not_answer_in_time_is_not_well() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tcp(&address, TIME).unwrap();
        // It accepts, and says nothing.
        let silent = http(&format!("http://{address}"), Duration::from_millis(50)).unwrap_err();
        assert!(silent.contains(&address), "{silent}");
        let late = by(Instant::now() + Duration::from_millis(50), || std::thread::sleep(TIME));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(listener);
        assert!(tcp(&address, TIME).is_err());
        assert!(http(&format!("http://{address}"), TIME).is_err());
    }
}

//! Programs that fetch and send over the network: where the answer goes, and what the request does.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use super::{content, special, statements};
use crate::shell::run::{Call, State};
use crate::shell::{Source, Value};

/// Options that hold what is sent.
const BODIES: &[&str] = &[
    "-d",
    "--data",
    "--data-raw",
    "--data-binary",
    "--data-ascii",
    "--data-urlencode",
    "--json",
    "-F",
    "--form",
    "--post-data",
    "--body-data",
    "--raw",
];
/// Options that hold the name of a file that is sent.
const BODY_FILES: &[&str] = &["--post-file", "--body-file", "-T", "--upload-file"];
/// Options that hold the method.
const METHODS: &[&str] = &["-X", "--request", "--method", "-m"];

/// `curl`, `wget` and their kind.
pub(super) fn fetch(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let name = call.program().to_owned();
    let requests = requests(&name, arguments, call, state);
    for request in &requests {
        statements::text(analysis, "http", &request.text(), call.span, state);
    }
    for path in sent(arguments) {
        analysis.add_path(Effect::new(Kind::Send, "", "", call.span), &path, state);
    }
    let urls: Vec<&Value> = requests.iter().map(|r| &r.url).collect();
    let local = !urls.is_empty() && urls.iter().all(|u| is_local(u));
    let answer = Value::dynamic(if local { Source::Output } else { Source::Remote }, true);
    let Some(paths) = outputs(&name, arguments, &urls) else { return answer };
    for path in paths {
        content::written(analysis, &path, &answer, call.span, state);
        state.write(&path, answer.clone(), false);
    }
    Value::default()
}

/// The files that a request takes along: `-T file`, `-d @file`, `-F name=@file`.
fn sent(arguments: &Arguments) -> Vec<Value> {
    let whole = ["-T", "--upload-file", "--post-file", "--body-file"];
    let marked =
        ["-d", "--data", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "-F", "--form"];
    let behind = |value: &Value| {
        let text = value.code();
        let path = text.split_once(['@', '<']).map(|(_, path)| path.split(';').next().unwrap_or(path));
        path.filter(|path| path.starts_with('/')).map(Value::text)
    };
    let files = arguments.values_of(whole.into_iter()).cloned();
    files.chain(arguments.values_of(marked.into_iter()).filter_map(behind)).collect()
}

/// One request.
struct Request {
    method: String,
    url: Value,
    body: Value,
    socket: Option<Value>,
}

impl Request {
    /// `METHOD scheme://host:port/path`, a line feed, and the body.
    fn text(&self) -> Value {
        let url = decoded(&self.url);
        let bare = url.prefix();
        let (scheme, rest) = bare.split_once("://").unwrap_or(("http", bare));
        let host_end = rest.find('/').unwrap_or(rest.len());
        let without_user = rest[..host_end].rfind('@').map_or(rest, |at| &rest[at + 1..]);
        let mut text = match &self.socket {
            Some(socket) => {
                let path = without_user.find('/').map_or("", |at| &without_user[at..]);
                Value::text(format!("{} unix://{socket}{path}", self.method))
            }
            None => Value::text(format!("{} {scheme}://{without_user}", self.method)),
        };
        url.parts().iter().skip(1).for_each(|part| text.push(part.clone()));
        text.append(&Value::text("\n"));
        if !self.body.has(Source::Remote) {
            text.append(&self.body);
        }
        text
    }
}

/// The requests that the arguments ask for.
fn requests(name: &str, arguments: &Arguments, call: &Call<'_>, state: &State) -> Vec<Request> {
    let value = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        arguments.values(&names).last().cloned()
    };
    let mut operands: Vec<Value> = arguments.operands.iter().map(|o| o.value.clone()).collect();
    operands.extend(value(&["--url"]));
    let mut method = value(METHODS).map(|m| m.code().to_ascii_uppercase());
    let mut body = body(arguments, call, state);
    if is_friendly(name) {
        let first = operands.first().and_then(Value::literal).unwrap_or("");
        let known = ["get", "head", "post", "put", "patch", "delete", "options"];
        if operands.len() > 1 && known.iter().any(|k| k.eq_ignore_ascii_case(first)) {
            method = Some(first.to_ascii_uppercase());
            operands.remove(0);
        }
        for item in operands.split_off(operands.len().min(1)) {
            body.append(&item);
            body.append(&Value::text(" "));
        }
    }
    let has = |names: &[&str]| arguments.has(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    let method = method.unwrap_or_else(|| match () {
        () if has(&["-T", "--upload-file"]) => "PUT".to_owned(),
        () if has(&["-I", "--head"]) => "HEAD".to_owned(),
        () if !body.is_empty() && !has(&["-G", "--get"]) => "POST".to_owned(),
        () if name.chars().all(|c| c.is_ascii_uppercase()) => name.to_owned(),
        () => "GET".to_owned(),
    });
    let socket = value(&["--unix-socket", "--abstract-unix-socket"]);
    operands
        .into_iter()
        .map(|url| Request { method: method.clone(), url, body: body.clone(), socket: socket.clone() })
        .collect()
}

/// What is sent: text, `@file` where the script has written the file, or standard input.
fn body(arguments: &Arguments, call: &Call<'_>, state: &State) -> Value {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let mut body = Value::default();
    for value in arguments.values(&names(BODIES)) {
        match value.prefix().split_once('@') {
            Some(("", "-")) => body.append(call.stdin),
            Some(("", path)) => body.append(&special::file_content(&Value::text(path), state)),
            Some(_) | None => body.append(value),
        }
        body.append(&Value::text("&"));
    }
    for path in arguments.values(&names(BODY_FILES)) {
        body.append(&special::file_content(path, state));
    }
    body
}

/// Clients whose operands are method, address and items.
fn is_friendly(name: &str) -> bool {
    matches!(name, "http" | "https" | "httpie" | "xh" | "xhs" | "curlie")
}

fn is_local(url: &Value) -> bool {
    let text = url.prefix();
    let host = text.split("://").nth(1).unwrap_or(text);
    let here = ["localhost", "127.", "[::1]", "0.0.0.0", "169.254.169.254", "unix"];
    text.starts_with("file:") || here.iter().any(|l| host.starts_with(l))
}

/// The files that the answers go to; `None` when it is printed.
fn outputs(name: &str, arguments: &Arguments, urls: &[&Value]) -> Option<Vec<Value>> {
    let given = |names: &[&str]| arguments.has(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    let value = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        arguments.values(&names).last().cloned()
    };
    let curl = matches!(name, "curl" | "curlie");
    let directory = match curl {
        true => value(&["--output-dir"]),
        false => value(&["-P", "--directory-prefix", "-d", "--dir"]),
    };
    let file = match curl {
        true => value(&["-o", "--output"]),
        false => value(&["-O", "--output-document", "-o", "--out", "--output"]),
    };
    let prints = match name {
        "curl" | "curlie" => !given(&["-O", "--remote-name", "--remote-name-all", "-J"]),
        "http" | "https" | "httpie" | "xh" | "xhs" => !given(&["-d", "--download"]),
        "lynx" | "links" | "elinks" | "w3m" | "GET" | "POST" | "lwp-request" => true,
        _ => false,
    };
    if let ("lwp-download" | "lwp-mirror", [_, path]) = (name, urls) {
        return Some(vec![(*path).clone()]);
    }
    match file {
        Some(file) if matches!(file.literal(), Some("-" | "/dev/stdout")) => None,
        Some(file) => Some(vec![inside(directory.as_ref(), &file)]),
        None if prints => None,
        None => Some(urls.iter().map(|url| inside(directory.as_ref(), &base(url))).collect()),
    }
}

/// The name that a download gets from its address.
fn base(url: &Value) -> Value {
    let text = url.suffix().split(['?', '#']).next().unwrap_or("").rsplit('/').next().unwrap_or("");
    Value::text(if text.is_empty() { "index.html" } else { text })
}

fn inside(directory: Option<&Value>, path: &Value) -> Value {
    let mut whole = directory.cloned().unwrap_or_default();
    if whole.is_empty() || path.prefix().starts_with('/') {
        return path.clone();
    }
    whole.append(&Value::text("/"));
    whole.append(path);
    whole
}

/// The address with `%20` and `+` read.
fn decoded(url: &Value) -> Value {
    url.map_text(|text| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
            match (first, digits.and_then(|d| u8::from_str_radix(d, 16).ok())) {
                (b'%', Some(byte)) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                (b'+', _) => {
                    bytes.push(b' ');
                    rest = after;
                }
                (other, _) => {
                    bytes.push(*other);
                    rest = after;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::{Request, decoded};
    use crate::shell::Value;

    fn check(method: &str, url: &str, expected: &str) {
        let request = Request {
            method: method.into(),
            url: Value::text(url),
            body: Value::default(),
            socket: url.starts_with("http://d/").then(|| Value::text("/run/docker.sock")),
        };
        assert_eq!(request.text().to_string().trim_end(), expected);
    }

    #[test]
    fn requests_have_one_form() {
        check("GET", "localhost:9200/_all", "GET http://localhost:9200/_all");
        check("DELETE", "http://u:p@db:5984/shop", "DELETE http://db:5984/shop");
        check("DELETE", "http://d/volumes/x", "DELETE unix:///run/docker.sock/volumes/x");
    }

    #[test]
    fn addresses_are_decoded() {
        assert_eq!(decoded(&Value::text("q=DROP%20DATABASE+x%zz")).to_string(), "q=DROP DATABASE x%zz");
    }
}

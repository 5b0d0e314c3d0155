//! Somebody at a browser: signs in, clicks and uploads, over plain connections that a test holds in its hand.

use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::yard::{Yard, log_of};

/// What is accepted as an answer: by a page, and by a program.
pub(crate) const PAGE: &str = "text/html";
pub(crate) const JSON: &str = "application/json";

const EMAIL: &str = "ana@example.com";
const PASSWORD: &str = "blue harbour tide";

#[derive(Clone)]
pub(crate) struct Visitor {
    address: String,
    cookie: String,
}

impl Visitor {
    /// The administrator of the yard signs in at the server that was started last.
    pub(crate) async fn sign_in(yard: &Yard) -> Self {
        let add = ["user", "add", EMAIL, "--role", "administrator", "--password-stdin"];
        let mut child = yard.command(&add).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut input = child.stdin.take().expect("an input");
        input.write_all(format!("{PASSWORD}\n").as_bytes()).await.expect("taken");
        drop(input);
        assert!(child.wait().await.expect("it ends").success(), "{}", log_of(yard.dir.path()));

        let mut visitor = Self { address: yard.address(), cookie: String::new() };
        let form = format!("email={}&password={}", EMAIL.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let answer = visitor.submit("/api/session/sign-in", &form).await;
        let cookies = answer.split("set-cookie: ").filter_map(|line| line.split(';').next());
        visitor.cookie = cookies.filter(|pair| pair.starts_with("ferry=")).last().expect(&answer).to_owned();
        visitor
    }

    /// Sends a form, as a click does; gives the whole answer.
    pub(crate) async fn submit(&self, path: &str, form: &str) -> String {
        let kind = "application/x-www-form-urlencoded";
        let mut connection = self.begin(path, kind, PAGE, form.len()).await;
        connection.write_all(form.as_bytes()).await.expect("sent");
        answer(connection).await
    }

    /// Queues a run of the first export, as its button does; gives its id.
    pub(crate) async fn click_run(&self, yard: &mut Yard) -> String {
        let exports = yard.books.rows(&["id"], "exports").await.expect("read");
        self.submit("/api/exports/run", &format!("id={}", exports[0]["id"].as_str().expect("an id"))).await;
        let run = yard.books.runs().await.expect("read").pop().expect("a run");
        assert!(run["finished_at"].is_null(), "{run}");
        run["id"].as_str().expect("an id").to_owned()
    }

    /// Connects, and sends the head of a POST; the connection ends with its answer.
    pub(crate) async fn begin(&self, path: &str, kind: &str, accept: &str, length: usize) -> TcpStream {
        let mut connection = TcpStream::connect(&self.address).await.expect("it listens");
        let head = self.head("POST", path, "close");
        let head = format!("{head}accept: {accept}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
        connection.write_all(head.as_bytes()).await.expect("sent");
        connection
    }

    /// Opens a page; gives the whole answer.
    pub(crate) async fn open(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).await.expect("it listens");
        let request = format!("{}accept: {PAGE}\r\n\r\n", self.head("GET", path, "close"));
        connection.write_all(request.as_bytes()).await.expect("sent");
        answer(connection).await
    }

    /// A connection that stays, and the request that is to be sent over it.
    pub(crate) async fn watch(&self, path: &str) -> (TcpStream, String) {
        let connection = TcpStream::connect(&self.address).await.expect("it listens");
        (connection, format!("{}accept: {JSON}\r\n\r\n", self.head("GET", path, "keep-alive")))
    }

    fn head(&self, method: &str, path: &str, connection: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\nsec-fetch-site: same-origin\r\n\
             connection: {connection}\r\n",
            self.address, self.cookie
        )
    }
}

/// The whole answer; nothing where the server went away without one.
pub(crate) async fn answer(mut connection: TcpStream) -> String {
    let mut bytes = Vec::new();
    // What had come before it broke off is what counts.
    drop(connection.read_to_end(&mut bytes).await);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
}

//! A peer that takes requests apart by hand, answers as told, and then does as told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the peer does once its answer is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Then {
    /// Takes the next request.
    Keep,
    /// Ends the connection in order.
    Close,
    /// Ends it with a reset.
    Reset,
    /// Says nothing more, and holds it.
    Hang,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// The how-manieth connection.
    pub(super) connection: usize,
    pub(super) head: String,
    pub(super) body: String,
}

impl Taken {
    /// The value of a header, however it is spelled.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }
}

/// The peer, listening.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) at: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

type Script = Arc<dyn Fn(usize, &Taken) -> (String, Then) + Send + Sync>;

impl Peer {
    /// Answers request `n` (from 0) as the script says.
    pub(super) async fn scripted(
        script: impl Fn(usize, &Taken) -> (String, Then) + Send + Sync + 'static,
    ) -> Self {
        Self::on(IpAddr::V4(Ipv4Addr::LOCALHOST), script).await
    }

    pub(super) async fn on(
        ip: IpAddr,
        script: impl Fn(usize, &Taken) -> (String, Then) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let peer = Self {
            at: listener.local_addr().unwrap(),
            taken: Arc::default(),
        };
        let (taken, script): (_, Script) = (Arc::clone(&peer.taken), Arc::new(script));
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, connection, Arc::clone(&taken), Arc::clone(&script)));
                connection += 1;
            }
        });
        peer
    }

    /// Always answers the same.
    pub(super) async fn answering(answer: &str, then: Then) -> Self {
        let answer = answer.to_owned();
        Self::scripted(move |_, _| (answer.clone(), then)).await
    }

    /// A peer that is pleased with everything.
    pub(super) async fn pleased() -> Self {
        Self::answering(OK, Then::Keep).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// The only request that came.
    pub(super) fn only(&self) -> Taken {
        let taken = self.taken();
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken[0].clone()
    }
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn serve(mut stream: TcpStream, connection: usize, taken: Arc<Mutex<Vec<Taken>>>, script: Script) {
    while let Some((head, body)) = take(&mut stream).await {
        let request = Taken {
            connection,
            head,
            body,
        };
        let number = {
            let mut taken = taken.lock().unwrap();
            taken.push(request.clone());
            taken.len() - 1
        };
        let (answer, then) = script(number, &request);
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        match then {
            Then::Keep => {}
            Then::Close => return,
            Then::Hang => std::future::pending().await,
            Then::Reset => {
                rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO)).unwrap();
                return;
            }
        }
    }
}

/// A head and as much of a body as it announces.
pub(super) async fn take(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(|n| n.trim().to_owned())
        })
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

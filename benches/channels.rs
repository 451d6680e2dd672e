//! Looking into what others own: how soon a mail is seen, how many connections and questions it takes, and that nothing
//! is said while nothing is due.
//!
//! ```text
//! apt-get install dovecot-imapd dovecot-lmtpd postgresql
//! cargo bench --bench channels
//! ```
//!
//! *IMAP*: Dovecot takes a mail by LMTP; the time from its 250 to the sighting, with one run that waits and with 200,
//! beside the time after which the same server tells an IDLE client, and beside what a look every second would take.
//! Goals: p50 at most 60 ms, one connection for any number of runs, not a command while nothing waits.
//! *SQL*: PostgreSQL logs each statement; statements a sweep while runs wait, and while none does, and the time of a
//! sweep beside one statement for each run on the same server. Goals: one, none, at most a fifteenth.
//! Both: the channel alone, into a sink that keeps what it is given.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench says what it needs by failing, and prints"
)]

#[expect(dead_code, reason = "of the tests' servers and rigs a part is used")]
#[path = "../tests/it/support"]
mod support {
    pub(crate) mod certificates;
    pub(crate) mod channel;
    pub(crate) mod dovecot;
    pub(crate) mod polled;
    pub(crate) mod postgres;
}

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use landfall::clock::{Clock as _, SystemClock};
use landfall::model::Token;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use support::channel::eventually;
use support::dovecot::{Dovecot, PASSWORD};
use support::polled::{Rig, run};
use support::postgres::Server;

/// Runs that wait at once.
const MAILS: u32 = 200;
const ROWS: u32 = 1_000;
/// How often each thing is measured.
const TIMES: usize = 40;
/// How long nothing is said before that is believed.
const SILENCE: Duration = Duration::from_secs(3);

fn main() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(imap());
    runtime.block_on(sql());
}

async fn imap() {
    let dovecot = Arc::new(Dovecot::start());
    let told = spread(idle(&dovecot).await);
    println!("IMAP, Dovecot: from its 250 to the sighting (goal p50 60 ms)");
    println!(
        "  an IDLE client is told         p50 {:4.0} ms  p99 {:4.0} ms",
        told.0, told.1
    );
    for waiting in [1, MAILS] {
        let config = json!({ "imap": {
            "host": "127.0.0.1", "port": dovecot.imap, "tls": "none", "user": format!("canary{waiting}"),
            "password": PASSWORD, "address": format!("canary{waiting}+{{{{ token }}}}@example.com"),
        }});
        let rig = Rig::open(config, std::path::Path::new("/")).await;
        let (mut took, mut highest) = (Vec::new(), 0);
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let mut tokens = armed(&rig, waiting).await;
        tokens.shuffle(&mut random);
        while took.len() < TIMES {
            let Some(token) = tokens.pop() else {
                tokens = armed(&rig, waiting).await;
                continue;
            };
            pause(random.random_range(50..400)).await;
            took.push(detected(&rig, &dovecot, &format!("canary{waiting}"), &token).await);
            highest = highest.max(rig.channel.counters()["connections_open"]);
        }
        disarm(&rig);
        let quiet = silence(|| rig.channel.counters()["commands"]).await;
        let (p50, p99) = spread(took);
        println!(
            "  landfall, {waiting:3} runs wait         p50 {p50:4.0} ms  p99 {p99:4.0} ms   of IDLE {:.2}   connections {highest} \
             (goal 1)   commands while nothing waits {quiet} (goal 0)",
            p50 / told.0
        );
        rig.stop.cancel();
    }
}

/// From the server's 250 to the sighting, in milliseconds.
async fn detected(rig: &Rig, dovecot: &Arc<Dovecot>, user: &str, token: &Token) -> f64 {
    let (server, to, mail) = (Arc::clone(dovecot), format!("{user}@example.com"), mail(token));
    let clock = Arc::clone(&rig.clock);
    let delivered = tokio::task::spawn_blocking(move || {
        server.deliver(&to, &mail);
        clock.now()
    });
    let delivered = delivered.await.unwrap();
    let subject = format!("order {token}");
    loop {
        let seen = rig.sink.seen();
        if seen.iter().any(|s| s.seen["subject"] == subject.as_str()) {
            return rig.clock.now().seconds_since(delivered) * 1e3;
        }
        pause(1).await;
    }
}

/// After how many milliseconds the server tells a client that has said IDLE.
async fn idle(dovecot: &Arc<Dovecot>) -> Vec<f64> {
    let server = Arc::clone(dovecot);
    let measure = move || {
        let clock = SystemClock::start();
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let mut client = Idler::log_in(server.imap);
        let token = support::polled::token(0);
        let mut once = |_| {
            client.say("b IDLE");
            client.until("+");
            std::thread::sleep(Duration::from_millis(random.random_range(50..400)));
            server.deliver("idler@example.com", &mail(&token));
            let delivered = clock.now();
            client.until("* ");
            let took = clock.now().seconds_since(delivered) * 1e3;
            client.say("DONE");
            client.until("b OK");
            took
        };
        (0..TIMES / 2).map(&mut once).collect()
    };
    tokio::task::spawn_blocking(measure).await.unwrap()
}

/// A mail client that waits to be told.
struct Idler(BufReader<TcpStream>);

impl Idler {
    fn log_in(port: u16) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).unwrap()));
        client.say(&format!("a LOGIN idler {PASSWORD}"));
        client.until("a OK");
        client.say("a SELECT INBOX");
        client.until("a OK");
        client
    }

    fn say(&mut self, line: &str) {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .unwrap();
    }

    /// Reads up to a line that begins so.
    fn until(&mut self, start: &str) {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert!(
                self.0.read_line(&mut line).unwrap() > 0,
                "the server hung up before {start}"
            );
        }
    }
}

fn mail(token: &Token) -> String {
    format!("Message-ID: <{token}@bench>\nFrom: a@example.com\nSubject: order {token}\n\nThanks.\n")
}

async fn sql() {
    let server = Server::start().await;
    server
        .sql("CREATE TABLE orders (id serial, ref text, status text); CREATE INDEX ON orders (ref)")
        .await;
    server
        .sql("INSERT INTO orders (ref, status) SELECT md5(n::text), 'new' FROM generate_series(1, 200000) n; ANALYZE orders")
        .await;
    let query = "SELECT id, ref AS key, status FROM orders WHERE ref = ANY(:keys)";
    let config = json!({ "postgres": { "url": server.url(), "query": query } });
    let rig = Rig::open(config, std::path::Path::new("/")).await;
    println!("SQL, PostgreSQL: {ROWS} runs wait on one table of 200,000 rows");
    let tokens = armed(&rig, ROWS).await;
    let (looks, questions) = (rig.looks(), server.queries());
    let mut sweeps = Vec::new();
    for _ in 0..TIMES {
        let began = rig.clock.now();
        rig.look().await.unwrap();
        sweeps.push(rig.clock.now().seconds_since(began) * 1e3);
    }
    let (looks, questions) = (rig.looks() - looks, server.queries() - questions);
    let rows = tokens.iter().map(|token| format!("('{token}', 'paid')"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    server
        .sql(&format!("INSERT INTO orders (ref, status) VALUES {rows}"))
        .await;
    eventually("every row", || {
        tokens.iter().all(|t| !rig.of(t).is_empty()).then_some(())
    })
    .await;
    disarm(&rig);
    let quiet = silence(|| server.queries() as u64).await;
    println!(
        "  statements a sweep {:.2} (goal 1), {questions} in {looks} sweeps; while nothing waits {quiet} (goal 0)",
        questions as f64 / looks as f64
    );
    let one_each = one_each(&server, &tokens).await;
    let sweep = spread(sweeps).0;
    println!(
        "  a sweep {sweep:.1} ms, one statement for each run {one_each:.1} ms: {:.3} of it (goal 0.067)",
        sweep / one_each
    );
}

/// Milliseconds that one statement for each of the tokens takes, on one session.
async fn one_each(server: &Server, tokens: &[Token]) -> f64 {
    let mut session = server.session().await;
    let clock = SystemClock::start();
    let began = clock.now();
    for token in tokens {
        let ask = sqlx::query("SELECT id, ref, status FROM orders WHERE ref = $1").bind(token.as_str());
        assert_eq!(ask.fetch_all(&mut session).await.unwrap().len(), 1);
    }
    clock.now().seconds_since(began) * 1e3
}

async fn armed(rig: &Rig, count: u32) -> Vec<Token> {
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(rig.arm().await);
    }
    tokens
}

fn disarm(rig: &Rig) {
    for n in 1..rig.next.load(std::sync::atomic::Ordering::Relaxed) {
        rig.channel.disarm(run(n));
    }
}

async fn pause(millis: u64) {
    SystemClock::start().sleep(Duration::from_millis(millis)).await;
}

/// How much was said in the time of silence, once what was under way has ended.
async fn silence(said: impl Fn() -> u64) -> u64 {
    pause(2_000).await;
    let before = said();
    SystemClock::start().sleep(SILENCE).await;
    said() - before
}

/// The median and the 99th percentile.
fn spread(mut of: Vec<f64>) -> (f64, f64) {
    of.sort_by(f64::total_cmp);
    (of[of.len() / 2], of[of.len() * 99 / 100])
}

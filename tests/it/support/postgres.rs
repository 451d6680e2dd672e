//! PostgreSQL on a port of its own, as an ordinary user, gone when it is dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection};

use super::certificates::{Signed, put};

/// A running server.
pub(crate) struct Server {
    dir: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

impl Server {
    /// Makes a cluster and starts it.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Self {
            dir,
            bin: bin(),
            port,
        };
        if rustix::process::geteuid().is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").arg("nobody:nogroup").arg(server.dir.path()));
        }
        let data = server.data();
        let initdb = [
            "-A",
            "trust",
            "-U",
            "landfall",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ];
        run(server.command("initdb").arg("-D").arg(data).args(initdb));
        server.up().await;
        server
    }

    /// Starts it (again), and returns once it answers a query.
    pub(crate) async fn up(&self) {
        let (port, dir) = (self.port, self.dir.path().display());
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={dir} -c fsync=off \
             -c log_statement=all -c log_line_prefix=%a: -c shared_buffers=16MB"
        );
        let log = self.dir.path().join("log");
        run(self
            .command("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .arg("-l")
            .arg(log)
            .args(["-w", "-o", &options, "start"]));
        self.sql("SELECT 1").await;
    }

    /// Stops it as a crash would.
    pub(crate) fn down(&self) {
        run(self
            .command("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .args(["-m", "immediate", "stop"]));
    }

    /// Speaks TLS with this certificate to those who ask for it, from the next connection on.
    pub(crate) async fn secure(&self, signed: &Signed) {
        let data = self.data();
        put(&data, "server.crt", &signed.certificate);
        put(&data, "server.key", &signed.key);
        run(Command::new("chmod").arg("600").arg(data.join("server.key")));
        if rustix::process::geteuid().is_root() {
            let files = [data.join("server.crt"), data.join("server.key")];
            run(Command::new("chown").arg("nobody:nogroup").args(files));
        }
        self.sql("ALTER SYSTEM SET ssl = on").await;
        self.reload().await;
    }

    /// Speaks no TLS, from the next connection on.
    pub(crate) async fn plain(&self) {
        self.sql("ALTER SYSTEM SET ssl = off").await;
        self.reload().await;
    }

    /// The signal to reload is heard soon, not at once: a server that is started anew knows its settings.
    async fn reload(&self) {
        self.down();
        self.up().await;
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://landfall@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }

    /// A session of the test's own.
    pub(crate) async fn session(&self) -> PgConnection {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username("landfall")
            .database("postgres")
            .ssl_mode(PgSslMode::Disable);
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// Does this, in a session of its own.
    pub(crate) async fn sql(&self, sql: &str) {
        let mut session = self.session().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut session)
            .await
            .unwrap();
        session.close().await.unwrap();
    }

    /// How many queries landfall has sent that read rows.
    pub(crate) fn queries(&self) -> usize {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
        let ours = |line: &&str| line.starts_with("landfall:LOG:  execute") && line.contains("json_agg");
        log.lines().filter(ours).count()
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut setpriv = Command::new("setpriv");
            setpriv
                .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
                .arg(program);
            setpriv
        } else {
            Command::new(program)
        };
        command.current_dir(self.dir.path()).env("LC_ALL", "C");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be down already.
        self.command("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .args(["-m", "immediate", "stop"])
            .output()
            .ok();
    }
}

fn bin() -> PathBuf {
    let versions = std::fs::read_dir(Path::new("/usr/lib/postgresql"))
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|v| v.path().join("bin"))
        .filter(|b| b.join("initdb").exists())
        .collect();
    found.sort();
    found
        .pop()
        .expect("this test needs PostgreSQL: apt-get install -y postgresql")
}

/// Runs it; its output goes to a file of its own, since a server inherits it and would hold a pipe open.
fn run(command: &mut Command) -> Output {
    let output = tempfile::NamedTempFile::new().unwrap();
    let status = command
        .stdin(std::process::Stdio::null())
        .stdout(output.reopen().unwrap())
        .stderr(output.reopen().unwrap())
        .status()
        .unwrap();
    let said = std::fs::read(output.path()).unwrap();
    assert!(
        status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&said)
    );
    Output {
        status,
        stdout: said,
        stderr: Vec::new(),
    }
}

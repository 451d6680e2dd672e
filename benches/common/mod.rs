//! What the benches share: CPU clocks, a peer in another process, the engine around a small workspace.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use landfall::clock::{Clock, SystemClock, SystemRandom};
use landfall::definition::{LoadOptions, ProcessEnvironment, Workspace, load};
use landfall::engine::{Engine, Options, Setup, Update};
use landfall::lifecycle::Settings;
use landfall::store;
use landfall::web::{self, HttpListener};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seconds of CPU, user and system, that this process has used.
pub fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Seconds of CPU that another process has used, to a hundredth.
pub fn cpu_of(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / system("CLK_TCK")
}

/// Bytes of this process in memory.
pub fn resident() -> f64 {
    resident_of(std::process::id())
}

/// Bytes of another process in memory.
pub fn resident_of(pid: u32) -> f64 {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    let pages: f64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * system("PAGESIZE")
}

/// A number of the system's, such as its page size.
fn system(name: &str) -> f64 {
    let said = Command::new("getconf").arg(name).output().unwrap().stdout;
    String::from_utf8(said).unwrap().trim().parse().unwrap()
}

pub fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// The argument after `--role`, in the process that plays it.
pub fn role() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|a| a != "--role");
    arguments.nth(1)
}

/// Runs this program anew on CPU 1, unless that has been done or cannot be.
pub fn pin() {
    use std::os::unix::process::CommandExt as _;
    if std::env::args().any(|a| a == "--pinned") {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let failed = Command::new("taskset")
        .args(["-c", "1"])
        .arg(this)
        .arg("--pinned")
        .args(std::env::args().skip(1))
        .exec();
    println!("not pinned to a CPU: {failed}");
}

/// This program in another role, on CPU 0. It says one line when it is ready.
pub struct Peer {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub ready: String,
}

impl Peer {
    pub fn start(role: &str) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(this).args(["--role", role]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset (util-linux) starts the peer");
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut peer = Self {
            child,
            stdin,
            stdout,
            ready: String::new(),
        };
        peer.ready = peer.line();
        peer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Tells it something and waits for its answer.
    pub fn ask(&mut self, what: &str) -> String {
        self.stdin.write_all(format!("{what}\n").as_bytes()).unwrap();
        self.line()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An engine on an SQLite file, with its callback listener.
pub struct Rig {
    pub engine: Engine,
    pub updates: UnboundedReceiver<Update>,
    pub workspace: Arc<Workspace>,
    pub clock: Arc<dyn Clock>,
}

impl Rig {
    pub async fn start(root: &Path, landfall: &str, probe: &str) -> Self {
        std::fs::create_dir_all(root.join("probes")).unwrap();
        std::fs::write(root.join("landfall.yaml"), landfall).unwrap();
        std::fs::write(root.join("probes/bench.yaml"), probe).unwrap();
        let workspace = Arc::new(workspace(root));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let socket = web::bind(workspace.listen).await.unwrap();
        let at = socket.local_addr().unwrap();
        let listener = HttpListener::new(at, web::Settings::default(), Arc::clone(&clock));
        tokio::spawn(Arc::clone(&listener).run(socket, CancellationToken::new()));
        let options = store::Options::new(clock.now(), "bench");
        let setup = Setup {
            workspace: Arc::clone(&workspace),
            store: store::open(&workspace.store, options).unwrap(),
            clock: Arc::clone(&clock),
            random: Arc::new(SystemRandom),
            listener,
            settings: Settings::STANDARD,
            options: Options::default(),
        };
        let (engine, updates) = Engine::start(setup).await.unwrap();
        Self {
            engine,
            updates,
            workspace,
            clock,
        }
    }

    /// Fires one run of the one probe.
    pub async fn tick(&self, number: i64) {
        let probe = &self.workspace.probes[0];
        let now = self.clock.now();
        let due = landfall::model::Moment(now.0 + number);
        let until = now.after(std::time::Duration::from_secs(600));
        assert_eq!(self.engine.tick(probe, due, until, &|_| true).await, 1);
    }
}

/// The workspace in a folder; what is wrong with it ends the bench.
pub fn workspace(root: &Path) -> Workspace {
    let loaded = load(
        &LoadOptions {
            dir: Some(root.to_owned()),
            vars: Vec::new(),
        },
        &ProcessEnvironment,
    );
    let said = loaded.problems.render(&loaded.sources, false);
    loaded.workspace.unwrap_or_else(|| panic!("{said}"))
}

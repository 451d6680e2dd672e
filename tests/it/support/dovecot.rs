//! Dovecot, started by the test itself: un-privileged, on free ports, in a folder that goes with it. Its settings are
//! those of `examples/mail-three-seeds/mail-system`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use landfall::clock::{Clock, SystemClock};

use super::certificates::{Signed, put};

/// Every user's password.
pub(crate) const PASSWORD: &str = "planted-password-7f3a";

/// A running Dovecot. Dropped, it is ended and its folder removed.
pub(crate) struct Dovecot {
    pub(crate) imap: u16,
    pub(crate) imaps: u16,
    pub(crate) lmtp: u16,
    folder: tempfile::TempDir,
    server: Option<Child>,
}

/// What a test may change about the server.
#[derive(Default)]
pub(crate) struct Options {
    /// Does not offer IDLE.
    pub(crate) without_idle: bool,
    /// Offers STARTTLS, and TLS at [`Dovecot::imaps`], with this certificate.
    pub(crate) tls: Option<Signed>,
}

impl Dovecot {
    /// Starts a server that takes any user with [`PASSWORD`].
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// The same, changed.
    pub(crate) fn start_with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let mut dovecot = Self {
            imap: free_port(),
            imaps: free_port(),
            lmtp: free_port(),
            folder,
            server: None,
        };
        fs::write(dovecot.config(), dovecot.settings(&options)).unwrap();
        for name in ["run", "mail"] {
            let path = dovecot.folder.path().join(name);
            fs::create_dir(&path).unwrap();
            let (user, group) = nobody();
            if running_as_root() {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        if let Some(signed) = &options.tls {
            put(dovecot.folder.path(), "certificate.pem", &signed.certificate);
            put(dovecot.folder.path(), "key.pem", &signed.key);
        }
        dovecot.launch();
        dovecot
    }

    /// Ends the server and all connections; its mail stays.
    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            end_group(server);
        }
    }

    /// Starts it again on the same ports.
    pub(crate) fn launch(&mut self) {
        let program = "/usr/sbin/dovecot";
        assert!(
            Path::new(program).exists(),
            "this test needs Dovecot: apt-get install -y dovecot-imapd dovecot-lmtpd"
        );
        let mut command = if running_as_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", program]);
            command
        } else {
            Command::new(program)
        };
        let output = fs::File::create(self.folder.path().join("output")).unwrap();
        command
            .args(["-F", "-c"])
            .arg(self.config())
            .current_dir(self.folder.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        self.server = Some(command.spawn().unwrap());
        await_state(
            || greets(self.imap, "* OK") && greets(self.lmtp, "220"),
            || format!("Dovecot did not start: {}", self.output()),
        );
    }

    /// What it has written and logged.
    pub(crate) fn output(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}\n{}", read("output"), read("log"))
    }

    /// Delivers a mail by LMTP; returns when the server has acknowledged it.
    pub(crate) fn deliver(&self, to: &str, mail: &str) {
        self.deliver_raw(to, mail.replace('\n', "\r\n").as_bytes());
    }

    /// The same with a mail that need not be text, as it stands.
    pub(crate) fn deliver_raw(&self, to: &str, mail: &[u8]) {
        let mut lmtp = Lines::connect(self.lmtp);
        lmtp.expect("220");
        for (line, answer) in [
            ("LHLO test", "250"),
            ("MAIL FROM:<sender@example.com>", "250"),
            (&format!("RCPT TO:<{to}>"), "250"),
            ("DATA", "354"),
        ] {
            lmtp.say(line);
            lmtp.expect(answer);
        }
        lmtp.send(mail);
        lmtp.say("\r\n.");
        lmtp.expect("250");
    }

    /// A second mail client of `user`.
    pub(crate) fn client(&self, user: &str) -> OtherClient {
        let mut lines = Lines::connect(self.imap);
        lines.expect("* OK");
        let mut client = OtherClient { lines };
        client.run(&format!("LOGIN {user} {PASSWORD}"));
        client
    }

    /// Where the mail of `user` lies.
    pub(crate) fn mailbox(&self, user: &str) -> PathBuf {
        self.folder.path().join("mail").join(user)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("dovecot.conf")
    }

    fn settings(&self, options: &Options) -> String {
        let (user, group) = names();
        let (uid, gid) = if running_as_root() { nobody() } else { ids() };
        let example = "examples/mail-three-seeds/mail-system/dovecot.conf";
        let mut text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(example)).unwrap();
        for (mark, value) in [
            ("@DIR@", self.folder.path().display().to_string()),
            ("@USER@", user),
            ("@GROUP@", group),
            ("@UID@", uid.to_string()),
            ("@GID@", gid.to_string()),
            ("@PASSWORD@", String::from(PASSWORD)),
            ("@IMAP@", self.imap.to_string()),
            ("@LMTP@", self.lmtp.to_string()),
        ] {
            text = text.replace(mark, &value);
        }
        if options.without_idle {
            text += "imap_capability = IMAP4rev1 UIDPLUS LITERAL+\n";
        }
        if options.tls.is_some() {
            let folder = self.folder.path().display();
            let tls = format!("ssl = yes\nssl_cert = <{folder}/certificate.pem\nssl_key = <{folder}/key.pem");
            text = text
                .replace("ssl = no", &tls)
                .replace("port = 0", &format!("port = {}\n    ssl = yes", self.imaps));
        }
        text
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Another mail client, which says what a person's would.
pub(crate) struct OtherClient {
    lines: Lines,
}

impl OtherClient {
    /// Runs a command; returns its untagged answers.
    pub(crate) fn run(&mut self, command: &str) -> Vec<String> {
        self.lines.say(&format!("a {command}"));
        self.finish(command)
    }

    /// Adds a mail to a folder.
    pub(crate) fn append(&mut self, folder: &str, mail: &str) {
        let mail = mail.replace('\n', "\r\n");
        self.lines.say(&format!("a APPEND {folder} {{{}}}", mail.len()));
        self.lines.expect("+");
        self.lines.say(&mail);
        self.finish("APPEND");
    }

    fn finish(&mut self, command: &str) -> Vec<String> {
        let mut answers = Vec::new();
        loop {
            let line = self.lines.read();
            if let Some(end) = line.strip_prefix("a ") {
                assert!(end.starts_with("OK"), "{command}: {line}");
                return answers;
            }
            answers.push(line);
        }
    }
}

struct Lines {
    reader: BufReader<TcpStream>,
}

impl Lines {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server closed the connection");
        line.trim_end().to_owned()
    }

    /// Reads a whole answer; its lines before the last bear a dash after the code.
    fn expect(&mut self, start: &str) {
        loop {
            let line = self.read();
            assert!(line.starts_with(start), "expected {start}, got {line}");
            if line.as_bytes().get(start.len()) != Some(&b'-') {
                return;
            }
        }
    }
}

/// A port that nobody listens on, below the range from which the kernel takes the ports of outgoing connections, and
/// not given to another test of this process.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() * 41;
        let port = 20_000 + u16::try_from(n % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits for a state of another process, at most 15 s.
pub(crate) fn await_state(state: impl Fn() -> bool, otherwise: impl Fn() -> String) {
    let clock = SystemClock::start();
    let deadline = clock.now().after(Duration::from_secs(60));
    while !state() {
        assert!(clock.now() < deadline, "{}", otherwise());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether somebody at the port greets with this.
pub(crate) fn greets(port: u16, greeting: &str) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with(greeting)
}

/// Lets the server's own user through.
pub(crate) fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    if running_as_root() {
        let (user, group) = nobody();
        chown(folder, Some(user), Some(group)).unwrap();
    }
}

/// Ends a server that leads its own process group, and whatever it has started: processes that serve a connection
/// outlive their master for as long as the connection is busy.
pub(crate) fn end_group(mut server: Child) {
    let group = format!("-{}", server.id());
    let signal = |name: &str| {
        Command::new("kill")
            .args([name, "--", &group])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
    };
    signal("-TERM");
    let clock = SystemClock::start();
    let deadline = clock.now().after(Duration::from_secs(3));
    while server.try_wait().unwrap().is_none() && clock.now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    signal("-KILL");
    server.wait().unwrap();
}

pub(crate) fn running_as_root() -> bool {
    ids().0 == 0
}

fn ids() -> (u32, u32) {
    use std::os::unix::fs::MetadataExt;
    let me = fs::metadata("/proc/self").unwrap();
    (me.uid(), me.gid())
}

/// The un-privileged user that the server runs as when the test is root.
fn nobody() -> (u32, u32) {
    (65534, 65534)
}

fn names() -> (String, String) {
    if running_as_root() {
        return (String::from("nobody"), String::from("nogroup"));
    }
    let ask = |flag| {
        let output = Command::new("id").arg(flag).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    (ask("-un"), ask("-gn"))
}

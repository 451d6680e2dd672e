//! Postfix and postgrey before Dovecot: a mail system in which mail can be delivered, put off, and thrown away.
//!
//! The configuration is that of `examples/mail-three-seeds/mail-system`, so that the example is what is tested.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::dovecot::{Dovecot, await_state, end_group, free_port, greets, open_to_all, running_as_root};

const MASTER: &str = "/usr/lib/postfix/sbin/master";
const POSTGREY: &str = "/usr/sbin/postgrey";
/// How long the greylisting hop puts a mail off.
pub(crate) const GREY_SECONDS: u64 = 4;

/// A running mail system. Each of the three ports takes mail for anybody at `example.com`.
pub(crate) struct MailSystem {
    /// Where the mail ends: log in by IMAP as `canary`.
    pub(crate) dovecot: Dovecot,
    /// Delivers at once.
    pub(crate) straight: u16,
    /// Delivers by way of a hop that greylists.
    pub(crate) detour: u16,
    /// Says 250 and throws the mail away.
    pub(crate) discarding: u16,
    folder: tempfile::TempDir,
    processes: Vec<Child>,
}

impl MailSystem {
    /// Starts Dovecot, postgrey and Postfix.
    pub(crate) fn start() -> Self {
        for program in [MASTER, POSTGREY] {
            assert!(
                Path::new(program).exists(),
                "this test needs Postfix and postgrey: apt-get install -y postfix postgrey"
            );
        }
        assert!(
            running_as_root(),
            "Postfix must be started as root: run this test as root"
        );
        let mut system = Self {
            dovecot: Dovecot::start(),
            straight: free_port(),
            detour: free_port(),
            discarding: free_port(),
            folder: tempfile::tempdir().unwrap(),
            processes: Vec::new(),
        };
        let (hop, postgrey) = (free_port(), free_port());
        system.write_settings(hop, postgrey);
        system.start_postgrey(postgrey);
        system.start_postfix();
        let ports = [system.straight, system.detour, system.discarding, hop];
        let policy = || TcpStream::connect(("127.0.0.1", postgrey)).is_ok();
        await_state(
            || ports.iter().all(|port| greets(*port, "220")) && policy(),
            || format!("the mail system did not start: {}", system.log()),
        );
        system
    }

    /// Writes the example's workspace into a folder, with this system's ports. Its secret is the environment variable
    /// `IMAP_PASSWORD`, to be set to [`super::dovecot::PASSWORD`].
    pub(crate) fn workspace(&self, into: &Path) {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mail-three-seeds");
        fs::create_dir_all(into.join("probes")).unwrap();
        for name in ["landfall.yaml", "probes/three-seeds.yaml"] {
            let mut text = fs::read_to_string(example.join(name)).unwrap();
            for (port, here) in [
                ("19143", self.dovecot.imap),
                ("19025", self.straight),
                ("19026", self.detour),
                ("19028", self.discarding),
            ] {
                text = text.replace(port, &here.to_string());
            }
            fs::write(into.join(name), text).unwrap();
        }
    }

    /// What Postfix and postgrey have said.
    pub(crate) fn log(&self) -> String {
        ["postfix.log", "master", "postgrey"]
            .map(|name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default())
            .join("\n")
    }

    fn write_settings(&self, hop: u16, postgrey: u16) {
        let folder = self.folder.path();
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "data", "grey"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        open_to_all(&folder.join("grey"));
        chown(folder.join("data"), Some(user_id("postfix")), None).unwrap();
        let values = [
            ("@DIR@", folder.display().to_string()),
            ("@LMTP@", self.dovecot.lmtp.to_string()),
            ("@STRAIGHT@", self.straight.to_string()),
            ("@DETOUR@", self.detour.to_string()),
            ("@DISCARDING@", self.discarding.to_string()),
            ("@HOP@", hop.to_string()),
            ("@POSTGREY@", postgrey.to_string()),
        ];
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mail-three-seeds/mail-system");
        for name in ["main.cf", "master.cf", "discard.regexp"] {
            let mut text = fs::read_to_string(example.join(name)).unwrap();
            for (mark, value) in &values {
                text = text.replace(mark, value);
            }
            fs::write(folder.join("etc").join(name), text).unwrap();
        }
    }

    fn start_postgrey(&mut self, port: u16) {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", POSTGREY]);
        command.args([
            &format!("--inet=127.0.0.1:{port}"),
            &format!("--delay={GREY_SECONDS}"),
            &format!("--dbdir={}/grey", self.folder.path().display()),
            &format!("--pidfile={}/grey/pid", self.folder.path().display()),
        ]);
        command.args(["--user=nobody", "--group=nogroup", "--auto-whitelist-clients=0"]);
        command.args([
            "--whitelist-clients=/dev/null",
            "--whitelist-recipients=/dev/null",
        ]);
        self.spawn(command, "postgrey");
    }

    fn start_postfix(&mut self) {
        let etc = self.folder.path().join("etc");
        // Makes the folders of the queue.
        let checked = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(&etc)
            .arg("check")
            .output()
            .unwrap();
        assert!(checked.status.success(), "{checked:?}");
        let mut command = Command::new(MASTER);
        command.arg("-c").arg(etc).arg("-d");
        self.spawn(command, "master");
    }

    fn spawn(&mut self, mut command: Command, name: &str) {
        let output = fs::File::create(self.folder.path().join(name)).unwrap();
        let process = command
            .current_dir(self.folder.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn();
        self.processes.push(process.unwrap());
    }
}

impl Drop for MailSystem {
    fn drop(&mut self) {
        self.processes.drain(..).rev().for_each(end_group);
    }
}

fn user_id(name: &str) -> u32 {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with(&format!("{name}:")));
    line.and_then(|line| line.split(':').nth(2)?.parse().ok())
        .unwrap_or_else(|| panic!("there is no user `{name}`: apt-get install -y postfix"))
}

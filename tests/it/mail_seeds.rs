//! The three seeds of hidden failure, on a real mail system: delivered, put off, and accepted but lost.

use lettre::message::Message;
use lettre::{SmtpTransport, Transport};
use serde_json::{Value, json};

use crate::imap::rig::Rig;
use crate::support::channel::eventually;
use crate::support::dovecot::{PASSWORD, await_state};
use crate::support::postfix::{GREY_SECONDS, MailSystem};
use crate::support::process::{ended, landfall};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_delivered_or_put_off_or_accepted_and_lost() {
    let system = MailSystem::start();
    let rig = Rig::on(system.dovecot.imap, json!({})).await;

    let (_, straight) = rig.arm().await;
    let (_, detour) = rig.arm().await;
    let (_, discarded) = rig.arm().await;
    let sent = rig.context.clock.now();
    for (port, token) in [
        (system.straight, straight),
        (system.detour, detour),
        (system.discarding, discarded),
    ] {
        // All three say the same: accepted.
        send(port, token.as_str());
    }

    let direct = rig.sees(straight.as_str()).await;
    assert_eq!(direct.keys, [straight.to_string()]);
    let hops = |sighting: &landfall::model::Sighting| sighting.seen["received"].to_string();
    assert!(!hops(&direct).contains("hop.example.com"), "{}", hops(&direct));

    // The channel works on other threads.
    await_state(
        || rig.times_seen(detour.as_str()) == 1,
        || format!("the greylisted mail did not arrive: {}", system.log()),
    );
    let late = rig.sees(detour.as_str()).await;
    assert!(hops(&late).contains("hop.example.com"), "{}", hops(&late));
    assert!(
        // Greylisting counts in whole seconds of the clock.
        late.at.hi.since(sent).as_secs() >= GREY_SECONDS - 1,
        "greylisting puts a mail off for {GREY_SECONDS} s: {:?}\n{}",
        late.at,
        system.log()
    );
    assert!(system.log().contains("Greylisted"), "{}", system.log());

    eventually("the discard", || {
        system.log().contains("discard: header Subject").then_some(())
    })
    .await;
    rig.look().await;
    assert_eq!(rig.times_seen(discarded.as_str()), 0);
    assert_eq!(rig.sink.seen().len(), 2);
}

#[test]
fn the_example_names_the_ports_of_the_mail_system() {
    let system = MailSystem::start();
    let folder = tempfile::tempdir().unwrap();
    system.workspace(folder.path());
    let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (workspace, probe) = (read("landfall.yaml"), read("probes/three-seeds.yaml"));
    assert!(
        workspace.contains(&format!("port: {}", system.dovecot.imap)),
        "{workspace}"
    );
    for port in [system.straight, system.detour, system.discarding] {
        assert!(probe.contains(&format!("port: {port} ")), "{probe}");
    }
}

fn send(port: u16, token: &str) {
    let mail = Message::builder()
        .from("Shop <shop@example.net>".parse().unwrap())
        .to(format!("canary+{token}@example.com").parse().unwrap())
        .subject("Thanks for your order")
        .body(format!("Order {token} is on its way.\n"))
        .unwrap();
    let answer = SmtpTransport::builder_dangerous("127.0.0.1")
        .port(port)
        .build()
        .send(&mail)
        .unwrap();
    assert!(answer.is_positive());
}

/// Issue by issue what the example promises: the real binary against the real mail system.
#[test]
fn the_example_tells_delivered_from_late_from_accepted_and_lost() {
    let system = MailSystem::start();
    let folder = tempfile::tempdir().unwrap();
    system.workspace(folder.path());
    let mut run = landfall(folder.path(), &[("IMAP_PASSWORD", PASSWORD)]);
    run.args(["run", "--format", "json", "--store", "memory"]);
    let (code, out, err) = ended(run);
    let results: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}\n{out}\n{err}"));
    let of = |route: &str| {
        let runs = results["runs"].as_array().unwrap();
        runs.iter()
            .find(|r| r["route"] == route)
            .unwrap_or_else(|| panic!("{route}: {results:#}\n{err}"))
            .clone()
    };
    for (route, class, outcome) in [
        ("straight", "delivered", "yes"),
        ("greylisted", "late", "yes"),
        ("discarding", "lost", "no"),
    ] {
        let run = of(route);
        assert_eq!(run["class"], class, "{route}: {run:#}\n{}", system.log());
        assert_eq!(run["layers"]["accepted"]["state"], "yes", "{route}: {run:#}");
        assert_eq!(run["layers"]["outcome"]["state"], outcome, "{route}: {run:#}");
    }
    assert!(
        of("greylisted")["path"].to_string().contains("hop.example.com"),
        "{results:#}"
    );
    let silent = |route: &str| {
        let rows = results["summary"].as_array().unwrap();
        rows.iter().find(|r| r["route"] == route).unwrap()["silent_failure_rate"].clone()
    };
    assert_eq!(
        (silent("straight"), silent("discarding")),
        (json!(0.0), json!(1.0))
    );
    assert_eq!(code, 1, "{err}");
    assert!(!out.contains(PASSWORD), "the password is in the report");
}

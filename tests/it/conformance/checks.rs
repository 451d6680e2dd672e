//! The rules themselves.

use std::time::Duration;

use landfall::model::{Identity, Moment};
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::peer::{Again, Outage, Peer, Second, Stage};

/// Nothing that is sent once `arm` has returned is missed, and nothing is told of who is not armed any more.
pub(super) async fn arm(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    for _ in 0..5 {
        let token = stage.arm().await;
        peer.put(&stage.offers(&token), nature.places[0], &token, b"")
            .await;
        let seen = stage.sees(&token, 1, nature.polled).await;
        assert_eq!(seen.len(), 1);
    }
    assert!(stage.sink.downs.lock().unwrap().is_empty());
    stage.end().await;
}

pub(super) async fn anywhere(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    for place in nature.places {
        let (token, other) = (stage.arm().await, stage.arm().await);
        peer.put(&stage.offers(&token), place, &token, b"").await;
        let seen = stage.sees(&token, 1, nature.polled).await;
        assert_eq!(seen.len(), 1, "in {place}");
        assert!(stage.of(&other, nature.polled).is_empty(), "in {place}");
    }
    stage.end().await;
}

pub(super) async fn duplicate(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    let token = stage.arm().await;
    for count in 1..=3 {
        peer.put(&stage.offers(&token), nature.places[0], &token, b"")
            .await;
        let seen = stage.sees(&token, count, nature.polled).await;
        assert_eq!(seen.len(), count);
        let identities: Vec<&Identity> = seen.iter().map(|s| &s.identity).collect();
        let same = identities.iter().all(|i| *i == identities[0]);
        assert_eq!(
            same,
            count == 1 || nature.second == Second::Transition,
            "{identities:?}"
        );
        let state = matches!(identities[0], Identity::State(_));
        assert_eq!(
            state,
            nature.again.is_empty(),
            "a state has no repeats, an event has"
        );
    }
    stage.end().await;
}

pub(super) async fn redelivery(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    let token = stage.arm().await;
    peer.put(&stage.offers(&token), nature.places[0], &token, b"")
        .await;
    let first = stage.sees(&token, 1, nature.polled).await.remove(0);
    for (how, repeat) in nature.again {
        let before = stage.of(&token, nature.polled).len();
        peer.again(&stage.offers(&token), *how).await;
        let seen = stage.sees(&token, before + 1, nature.polled).await;
        let last = seen.last().unwrap();
        assert_eq!(
            (last.repeat, &last.identity),
            (*repeat, &first.identity),
            "{how:?}"
        );
    }
    if nature.again.is_empty() {
        peer.again(&stage.offers(&token), Again::Unproven).await;
        for _ in 0..3 {
            stage.channel.look(stage.clock.now()).await.unwrap();
        }
        assert_eq!(
            stage.of(&token, nature.polled).len(),
            1,
            "a state seen again is no arrival"
        );
    }
    stage.end().await;
}

/// What comes long after the arm, and after many looks that saw nothing, is told all the same and not backdated.
pub(super) async fn late(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    let token = stage.arm().await;
    for _ in 0..20 {
        stage.channel.look(stage.clock.now()).await.unwrap();
        stage.clock.sleep(Duration::from_millis(50)).await;
    }
    let before: Moment = stage.clock.now();
    peer.put(&stage.offers(&token), nature.places[0], &token, b"")
        .await;
    let seen = stage.sees(&token, 1, nature.polled).await;
    assert!(seen[0].at.hi >= before && !seen[0].widened, "{:?}", seen[0].at);
    assert!(
        seen[0].at.lo.after(Duration::from_secs(5)) >= before,
        "{:?}",
        seen[0].at
    );
    stage.end().await;
}

/// What is over a limit is held within bounds, the limit names itself, and the channel goes on.
pub(super) async fn oversize(kind: &'static str, peer: &mut dyn Peer) {
    let nature = peer.nature();
    let (more, word) = nature.limit;
    let stage = Stage::open(kind, peer.settings(), more()).await;
    let token = stage.arm().await;
    let line = [b"x".repeat(70).as_slice(), b"\r\n"].concat();
    let content = line.repeat(nature.over / line.len() + 1);
    peer.put(&stage.offers(&token), nature.places[0], &token, &content)
        .await;
    drop(stage.channel.look(stage.clock.now()).await);
    eventually("the limit that names itself", || {
        let cut =
            |s: &landfall::model::Sighting| s.seen.get("cut").is_some_and(|c| c.to_string().contains(word));
        let named = stage.of(&token, nature.polled).iter().any(cut);
        let dropped = stage
            .sink
            .dropped
            .lock()
            .unwrap()
            .iter()
            .any(|what| what.contains(word));
        (named || dropped).then_some(())
    })
    .await;
    for sighting in stage.of(&token, nature.polled) {
        let kept = Value::Object(sighting.seen).to_string().len();
        assert!(kept <= 4 << 20, "{kept} bytes");
    }
    works(&stage, peer).await;
    stage.end().await;
}

/// No content brings a channel down.
pub(super) async fn hostile(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    let controls: Vec<u8> = (1..32)
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .chain([127, 0x1b, b'[', b'2', b'J'])
        .collect();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let contents = [
        controls,
        b"\xff\xfe\x80 broken \xc3\x28".to_vec(),
        b"a\0b\0".to_vec(),
        deep.into_bytes(),
        nested.into_bytes(),
        b"x".repeat(1 << 20),
        "\u{202e}\u{feff}\u{1f600}".repeat(100).into_bytes(),
        b"{\"__proto__\": {\"token\": \"{{ token }}\"}, \"n\": 1e999}".to_vec(),
    ];
    for content in contents {
        let token = stage.arm().await;
        peer.put(&stage.offers(&token), nature.places[0], &token, &content)
            .await;
        assert!(!stage.task.is_finished(), "the channel has ended");
    }
    works(&stage, peer).await;
    assert!(
        stage.sink.downs.lock().unwrap().is_empty(),
        "hostile content is no blindness"
    );
    stage.end().await;
}

/// What could not be put on record is not acknowledged: it comes again, or is looked at again.
pub(super) async fn unkept(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    let token = stage.arm().await;
    *stage.sink.broken.lock().unwrap() = true;
    peer.put(&stage.offers(&token), nature.places[0], &token, b"")
        .await;
    if nature.polled {
        // The look has failed, or has left what it saw for the next.
        drop(stage.channel.look(stage.clock.now()).await);
        *stage.sink.broken.lock().unwrap() = false;
    } else {
        *stage.sink.broken.lock().unwrap() = false;
        peer.again(&stage.offers(&token), Again::Unproven).await;
    }
    let seen = stage.sees(&token, 1, nature.polled).await;
    assert_eq!(
        seen[0].repeat,
        landfall::model::Repeat::First,
        "it was never on record"
    );
    stage.end().await;
}

pub(super) async fn outage(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    let token = stage.arm().await;
    peer.down(&stage).await;
    let blind = matches!(nature.outage, Outage::Covered | Outage::Lost);
    if blind {
        // A look hurries a channel that would find out at its next poll.
        drop(stage.channel.look(stage.clock.now()).await);
        eventually("the channel to say that it cannot see", || {
            (!stage.sink.downs.lock().unwrap().is_empty()).then_some(())
        })
        .await;
        let (run, other) = stage.fresh();
        let fault = stage.try_arm(run, other).await.unwrap_err();
        assert!(fault.message.len() > 10, "a clear fault: {fault}");
    }
    peer.up(&stage).await;
    if nature.outage != Outage::Lost {
        peer.put(&stage.offers(&token), nature.places[0], &token, b"")
            .await;
        let seen = stage.sees(&token, 1, nature.polled).await;
        assert_eq!(
            seen[0].widened,
            nature.outage == Outage::Covered,
            "{:?}",
            seen[0].at
        );
    }
    if blind {
        let ups = eventually("the channel to say that it sees", || {
            let ups = stage.sink.ups.lock().unwrap().clone();
            (!ups.is_empty()).then_some(ups)
        })
        .await;
        assert_eq!(ups, [nature.outage == Outage::Covered]);
    }
    assert_eq!(
        stage.sink.downs.lock().unwrap().len(),
        usize::from(blind),
        "said once"
    );
    works(&stage, peer).await;
    stage.end().await;
}

/// Arming on a peer that is not there fails, soon and clearly; where that is an answer too, it succeeds.
pub(super) async fn dead(kind: &'static str, peer: &mut dyn Peer) {
    let (stage, nature) = (Stage::open(kind, peer.settings(), json!({})).await, peer.nature());
    peer.down(&stage).await;
    let (run, token) = stage.fresh();
    let armed = tokio::time::timeout(Duration::from_secs(20), stage.try_arm(run, token)).await;
    let armed = armed.expect("within its time");
    peer.up(&stage).await;
    match nature.outage {
        Outage::Covered | Outage::Lost => {
            let fault = armed.unwrap_err();
            assert!(
                fault.message.len() > 10 && !fault.message.contains("Error {"),
                "{fault}"
            );
        }
        Outage::NotYet | Outage::Client => armed.unwrap(),
    }
    stage.end().await;
}

/// Stops at once, also with runs armed and peers connected; what is armed then is refused or never looked for.
pub(super) async fn stop(kind: &'static str, peer: &mut dyn Peer) {
    let stage = Stage::open(kind, peer.settings(), json!({})).await;
    for _ in 0..3 {
        stage.arm().await;
    }
    stage.end().await;
    let stage = Stage::open(kind, peer.settings(), json!({})).await;
    stage.end().await;
}

async fn works(stage: &Stage, peer: &mut dyn Peer) {
    let nature = peer.nature();
    let token = eventually_arm(stage).await;
    peer.put(&stage.offers(&token), nature.places[0], &token, b"")
        .await;
    stage.sees(&token, 1, nature.polled).await;
}

/// Arms one more run; a channel that has just come back may need another attempt.
async fn eventually_arm(stage: &Stage) -> landfall::model::Token {
    for _ in 0..50 {
        let (run, token) = stage.fresh();
        match stage.try_arm(run, token).await {
            Ok(()) => return token,
            Err(_) => stage.clock.sleep(Duration::from_millis(100)).await,
        }
    }
    stage.arm().await
}

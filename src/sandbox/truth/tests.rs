use super::*;
use crate::sandbox::ledger::Answered;
use crate::sandbox::{FaultKind, expected};

/// `CHANNEL EVENT MILLISECONDS [altered|redelivery|after_ack|stray]`, by commas.
fn entry(status: Option<u16>, outcomes: &str) -> Entry {
    let outcomes = outcomes
        .split(',')
        .map(str::trim)
        .filter(|o| !o.is_empty())
        .map(|text| {
            let words: Vec<_> = text.split(' ').collect();
            let word = |word: &str| serde_json::from_value(serde_json::Value::from(word)).unwrap();
            let note = words.get(3).copied().unwrap_or_default();
            Outcome {
                channel: serde_json::from_value(serde_json::Value::from(words[0])).unwrap(),
                event: word(words[1]),
                at: Moment(words[2].parse::<i64>().unwrap() * 1_000_000),
                provider: String::from("north"),
                message: String::new(),
                altered: note == "altered",
                repeat: match note {
                    "redelivery" => Some(Repeat::Redelivery),
                    "after_ack" => Some(Repeat::AfterAck),
                    _ => None,
                },
                stray: note == "stray",
            }
        });
    Entry {
        reference: String::from("r"),
        id: String::from("m"),
        route: String::from("alpha"),
        received: Moment(0),
        fault: FaultKind::None,
        provider: String::from("north"),
        answer: Answered {
            status,
            at: Moment(0),
        },
        outcomes: outcomes.collect(),
    }
}

fn webhook_only() -> Limits {
    let mut limits = Limits::demo();
    limits.channels.retain(|channel, _| *channel == Channel::Webhook);
    limits
}

#[test]
fn each_row_of_the_table_of_classes() {
    let ok = Some(202);
    for (status, outcomes, class) in [
        (ok, "webhook delivered 100", Class::Delivered),
        (ok, "webhook delivered 1000", Class::Delivered),
        (ok, "webhook delivered 1001", Class::Late),
        (ok, "webhook delivered 2000", Class::Late),
        (ok, "webhook delivered 2001", Class::Lost),
        (ok, "", Class::Lost),
        (ok, "mail delivered 100", Class::Lost),
        (ok, "webhook delivered 100 stray", Class::Lost),
        (ok, "webhook receipt 100", Class::Lost),
        (
            ok,
            "webhook delivered 100, webhook delivered 200",
            Class::Duplicate,
        ),
        (
            ok,
            "webhook delivered 100, webhook delivered 200 after_ack",
            Class::Duplicate,
        ),
        (
            ok,
            "webhook delivered 100, webhook delivered 200 redelivery",
            Class::Delivered,
        ),
        (
            ok,
            "webhook delivered 1100, webhook delivered 1200",
            Class::Duplicate,
        ),
        (ok, "webhook delivered 100 altered", Class::Mismatched),
        (
            ok,
            "webhook delivered 100 altered, webhook delivered 200",
            Class::Delivered,
        ),
        (
            ok,
            "webhook delivered 100, webhook complaint 200",
            Class::Unwanted,
        ),
        (ok, "webhook failed 100", Class::Failed),
        (ok, "webhook failed 100, webhook delivered 300", Class::Failed),
        (Some(503), "", Class::Rejected),
        (Some(400), "webhook failed 100", Class::Rejected),
        (Some(503), "webhook delivered 100", Class::Phantom),
        (None, "webhook delivered 100", Class::Delivered),
        (None, "", Class::Lost),
    ] {
        let verdict = expected(&entry(status, outcomes), &webhook_only());
        assert_eq!(verdict.class, class, "{status:?} {outcomes}");
    }
}

#[test]
fn the_worst_channel_decides() {
    let limits = Limits::demo();
    for (outcomes, class) in [
        (
            "webhook delivered 1, mail delivered 1, row delivered 1",
            Class::Delivered,
        ),
        (
            "webhook delivered 1, mail delivered 1500, row delivered 1",
            Class::Late,
        ),
        (
            "webhook delivered 1, webhook delivered 2, mail delivered 1500, row delivered 1",
            Class::Duplicate,
        ),
        (
            "webhook delivered 1 altered, mail delivered 1, mail delivered 2, row delivered 1",
            Class::Mismatched,
        ),
        (
            "webhook delivered 1 altered, mail delivered 1, row queued 1",
            Class::Lost,
        ),
        ("webhook delivered 1, mail delivered 1, row failed 1", Class::Lost),
    ] {
        assert_eq!(
            expected(&entry(Some(202), outcomes), &limits).class,
            class,
            "{outcomes}"
        );
    }
}

#[test]
fn what_comes_after_the_close_amends() {
    for (status, outcomes, class, amended) in [
        (202, "webhook delivered 2500", Class::Lost, Some(Class::Late)),
        (
            202,
            "webhook delivered 1 altered, webhook delivered 2500",
            Class::Mismatched,
            Some(Class::Late),
        ),
        (
            202,
            "webhook delivered 1, webhook delivered 2500",
            Class::Delivered,
            Some(Class::Duplicate),
        ),
        (
            202,
            "webhook delivered 1500, webhook delivered 2500",
            Class::Late,
            Some(Class::Duplicate),
        ),
        (
            202,
            "webhook failed 1, webhook delivered 300",
            Class::Failed,
            Some(Class::Late),
        ),
        (202, "webhook failed 1", Class::Failed, None),
        (
            503,
            "webhook delivered 2500",
            Class::Rejected,
            Some(Class::Phantom),
        ),
        (
            202,
            "webhook delivered 1, webhook complaint 2500",
            Class::Delivered,
            None,
        ),
    ] {
        let verdict = expected(&entry(Some(status), outcomes), &webhook_only());
        assert_eq!(verdict, Expected { class, amended }, "{outcomes}");
        assert!(verdict.agrees(class) && amended.is_none_or(|amended| verdict.agrees(amended)));
        assert!(!verdict.agrees(Class::Unobserved));
    }
}

#[test]
fn what_really_happened_counts_not_what_was_planned() {
    let mut truth = Truth::new(entry(Some(202), "webhook delivered 100"));
    assert_eq!(
        truth.expected(&webhook_only()).class,
        Class::Lost,
        "nothing has left yet"
    );
    let attempt = |at, error: Option<&str>| Attempt {
        at: Moment(at),
        done: Moment(at),
        error: error.map(str::to_owned),
    };
    truth.sent[0].push(attempt(1, Some("refused")));
    assert_eq!(
        truth.expected(&webhook_only()).class,
        Class::Lost,
        "it was not taken"
    );
    truth.sent[0].push(attempt(1_500_000_000, None));
    assert_eq!(truth.expected(&webhook_only()).class, Class::Late, "it left late");
    assert_eq!(
        truth.first(Channel::Webhook, Event::Delivered),
        Some(Moment(1_500_000_000))
    );
}

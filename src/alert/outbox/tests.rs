use std::time::Duration;

use super::*;
use crate::alert::notice::Notice;

const HOUR: Duration = Duration::from_secs(3_600);

fn entry(number: u64, alert: &str, event: Event, at: Moment) -> Entry {
    let mut notice = Notice::trial("here", None, at, "x");
    notice.alert = alert.to_owned();
    notice.id = format!("{alert}-{number}");
    notice.event = event;
    notice.title = format!("{alert} {event:?}");
    notice.state = if event == Event::Resolved {
        AlertState::Resolved
    } else {
        AlertState::Firing
    };
    Entry {
        number,
        queued: at,
        notice,
        in_doubt: false,
        attempts: 0,
    }
}

/// A day without the destination: attempts fail, and each hour an alert opens and ends; the last one stays open.
fn day(stateful: bool, failure: &Failure) -> (Outbox, u64) {
    let (mut outbox, mut number, mut most) = (Outbox::default(), 0, 0);
    for hour in 0..24 {
        let at = Moment(0).after(HOUR * hour);
        for event in [Event::Opened, Event::Resolved] {
            if (hour, event) == (23, Event::Resolved) {
                continue;
            }
            number += 1;
            outbox.push(entry(number, &format!("a{hour}"), event, at));
        }
        while let Some(due) = outbox.due().filter(|due| *due < at.after(HOUR)) {
            let now = due.max(at);
            outbox.compact(now, stateful);
            let Some(first) = outbox.first().map(|e| e.number) else {
                break;
            };
            outbox.failed(first, now, failure, 7);
            most = most.max(outbox.len());
        }
    }
    (outbox, most as u64)
}

#[test]
fn a_day_without_the_destination_ends_in_one_summary() {
    let (mut outbox, most) = day(false, &Failure::refused("no"));
    outbox.compact(Moment(0).after(HOUR * 25), false);
    let left: Vec<&Entry> = outbox.entries().collect();
    assert_eq!((left.len(), most <= 4), (1, true), "at most {most} waited");
    let summary = left[0].notice.summary.as_ref().unwrap();
    assert_eq!((summary.messages, summary.alerts.len()), (47, 24));
    assert_eq!(summary.alerts[0].title, "a23 Opened", "what is open comes first");
    assert_eq!(left[0].notice.state, AlertState::Firing);
}

#[test]
fn what_may_have_arrived_is_sent_as_it_is_before_the_summary() {
    let (mut outbox, _) = day(false, &Failure::in_doubt("no answer"));
    outbox.compact(Moment(0).after(HOUR * 25), false);
    let ids: Vec<&str> = outbox.entries().map(|e| e.notice.id.as_str()).collect();
    assert_eq!((ids.len(), ids[0]), (2, "a0-1"));
}

#[test]
fn a_destination_that_knows_alerts_gets_their_last_state_alone() {
    let (mut outbox, _) = day(true, &Failure::refused("no"));
    outbox.compact(Moment(0).after(HOUR * 25), true);
    let ids: Vec<&str> = outbox.entries().map(|e| e.notice.alert.as_str()).collect();
    assert_eq!(ids, ["a23"]);
    // One that had been told that it opened is told that it is over.
    let mut told = Outbox::default();
    told.push(entry(1, "old", Event::Reminder, Moment(0)));
    told.push(entry(2, "old", Event::Resolved, Moment(0)));
    told.compact(Moment(0).after(HOUR), true);
    assert_eq!(told.first().unwrap().notice.event, Event::Resolved);
}

#[test]
fn waiting_grows_to_a_bound_with_jitter_and_a_message_nobody_wants_is_given_up() {
    assert!(backoff(1, 0) >= Duration::from_secs(1) && backoff(1, 999) <= Duration::from_secs(2));
    assert!(backoff(60, 999) <= Duration::from_secs(300));
    let mut outbox = Outbox::default();
    outbox.push(entry(1, "a", Event::Opened, Moment(0)));
    let failure = Failure::hopeless("malformed");
    let verdicts: Vec<Verdict> = (0..3).map(|_| outbox.failed(1, Moment(0), &failure, 0)).collect();
    assert!(matches!(verdicts[1], Verdict::Again(_)));
    assert_eq!((verdicts[2], outbox.is_empty()), (Verdict::GivenUp, true));
}

//! Alerts and instants.

use landfall::stats::{Bounds, alerting, timing};
use serde_json::{Value, json};

use super::compare::{count, number, numbers};
use super::one_route::pair;

pub(super) fn computed(function: &str, i: &Value) -> Option<Value> {
    Some(match function {
        "burn_rate" => json!(alerting::burn_rate(count(i, "bad"), count(i, "n"), number(i, "slo")).unwrap()),
        "false_alarms" => {
            let [k, window, ticks] = ["k", "window", "ticks"].map(|key| count(i, key));
            json!(alerting::false_alarms(k, window, number(i, "e"), ticks).unwrap())
        }
        "k_min" => {
            let [burn, slo, phi] = ["burn", "slo", "phi"].map(|key| number(i, key));
            json!(alerting::k_min(burn, slo, count(i, "window"), count(i, "ticks"), phi).unwrap())
        }
        "consecutive_needed" => {
            let ticks = count(i, "ticks");
            json!(alerting::consecutive_needed(number(i, "slo"), ticks, number(i, "phi")).unwrap())
        }
        "mean_wait_consecutive" => {
            json!(alerting::mean_wait_consecutive(count(i, "r"), number(i, "p")).unwrap())
        }
        "close_after" => json!(alerting::close_after(count(i, "k"), count(i, "window")).unwrap()),
        "arrival_interval" => {
            let stamp = i["remote"].as_f64().map(|stamp| {
                let offset = numbers(i, "offset");
                let (lower, upper) = (offset[0], offset[1]);
                (stamp, Bounds { lower, upper })
            });
            let found = timing::arrival_interval(number(i, "poll_prev"), number(i, "poll_seen"), stamp);
            json!(found.unwrap())
        }
        "offset_bounds" => {
            let [sent, received, stamp] = ["t_send", "t_recv", "remote_stamp"].map(|key| number(i, key));
            pair(timing::offset_bounds(sent, received, stamp).unwrap())
        }
        "classify_lateness" => {
            let [lo, hi, deadline, grace] = ["lo", "hi", "deadline", "grace"].map(|key| number(i, key));
            let found = timing::classify_lateness(lo, hi, deadline, grace).unwrap();
            json!({ "cls": found.class, "straddles": found.straddles })
        }
        "poll_schedule" => {
            let [first, share, least, most] =
                ["first", "eps", "minimum", "maximum"].map(|key| number(i, key));
            let must = numbers(i, "must");
            let polls = timing::poll_schedule(first, share, least, most, &must).unwrap();
            json!({
                "polls": polls.len(),
                "first5": &polls[..5.min(polls.len())],
                "last3": &polls[polls.len().saturating_sub(3)..],
                "has_deadline": polls.contains(&must[0]),
            })
        }
        _ => return None,
    })
}

//! Metrics of alerts, and of those who are told.

use super::{Family, Gauges, Measure, Points, Value, level};
use crate::report::metrics::Destination;

/// The points of one destination: the result that a point counts, and its value.
type Told = Vec<(Option<&'static str>, Value<'static>)>;

/// Every family about alerts.
pub(super) fn families(now: &Gauges) -> Vec<Family<'_>> {
    let of = |points: &dyn Fn(&Destination) -> Told| -> Points<'_> {
        let each = now.destinations.iter();
        each.flat_map(|(name, one)| {
            points(one).into_iter().map(move |(result, value)| {
                let mut labels = vec![("destination", name.as_str())];
                labels.extend(result.map(|word| ("result", word)));
                (labels, value)
            })
        })
        .collect()
    };
    let open = now.alerts_open.iter();
    let time = |at: Option<f64>| at.map(|at| (None, Value::Level(at))).into_iter().collect();
    vec![
        Family {
            name: "landfall_alerts_open",
            help: "Alerts that are open and were told",
            unit: Measure::None,
            points: open
                .map(|(probe, n)| (vec![("probe", probe.as_str())], level(*n)))
                .collect(),
        },
        Family {
            name: "landfall_alerts_missed",
            help: "Ended runs and skips that found the queue of alerting full and were read again from the store",
            unit: Measure::None,
            points: vec![(Vec::new(), Value::Count(now.alerts_missed))],
        },
        Family {
            name: "landfall_alert_destination_up",
            help: "Whether a destination takes alerts, as far as is known",
            unit: Measure::None,
            points: of(&|d| vec![(None, level(u64::from(d.up)))]),
        },
        Family {
            name: "landfall_alert_waiting",
            help: "Messages that wait for a destination",
            unit: Measure::None,
            points: of(&|d| vec![(None, level(d.waiting))]),
        },
        Family {
            name: "landfall_alert_messages",
            help: "Messages to a destination: sent, given up, or summed up while it was down; and attempts that failed",
            unit: Measure::None,
            points: of(&|d| {
                vec![
                    (Some("sent"), Value::Count(d.sent)),
                    (Some("failed"), Value::Count(d.failed)),
                    (Some("given_up"), Value::Count(d.given_up)),
                    (Some("summed_up"), Value::Count(d.summed_up)),
                ]
            }),
        },
        Family {
            name: "landfall_alert_last_success_timestamp",
            help: "When a destination last took a message since the start",
            unit: Measure::Seconds,
            points: of(&|d| time(d.last_success)),
        },
        Family {
            name: "landfall_alert_last_failure_timestamp",
            help: "When an attempt to tell a destination last failed since the start",
            unit: Measure::Seconds,
            points: of(&|d| time(d.last_failure)),
        },
    ]
}

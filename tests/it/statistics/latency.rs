//! Quantiles, curves of 'not yet arrived', histograms.

use landfall::stats::histogram::{LatencyHistogram, edges, native_bucket};
use landfall::stats::logrank::log_rank;
use landfall::stats::quantiles::{Latencies, quantile_ranks, runs_for_finite_upper};
use landfall::stats::survival::{Survival, Watched};
use serde_json::{Value, json};

use super::compare::{count, counts, flag, flags, list, number, numbers, written};
use super::one_route::pair;

fn latencies(i: &Value) -> Latencies {
    Latencies::new(numbers(i, "arrived_list"), count(i, "lost")).unwrap()
}

fn watched(i: &Value, times: &str, events: &str) -> Vec<Watched> {
    let each = numbers(i, times).into_iter().zip(flags(i, events));
    each.map(|(seconds, arrived)| Watched { seconds, arrived })
        .collect()
}

fn survival(i: &Value) -> Survival {
    Survival::new(&watched(i, "times", "events")).unwrap()
}

fn or_never(seconds: Option<f64>) -> Value {
    written(seconds.unwrap_or(f64::INFINITY))
}

pub(super) fn computed(function: &str, i: &Value) -> Option<Value> {
    let (conf, q) = (|| number(i, "conf"), || number(i, "q"));
    Some(match function {
        "quantile_with_lost" => or_never(latencies(i).quantile(q()).unwrap()),
        "quantile_ranks" => {
            let found = quantile_ranks(count(i, "n"), q(), conf()).unwrap();
            json!([found.lower, found.upper])
        }
        "quantile_ci_with_lost" => {
            let found = latencies(i).estimate(q(), conf()).unwrap();
            let lower = if found.ranks.lower == 0 {
                json!("-inf")
            } else {
                or_never(found.lower)
            };
            json!([or_never(found.value), lower, or_never(found.upper)])
        }
        "runs_for_finite_upper" => json!(runs_for_finite_upper(q(), conf(), flag(i, "two_sided")).unwrap()),
        "capped_mean" => json!(latencies(i).capped_mean(number(i, "tau")).unwrap().mean),
        "km" => {
            let found = survival(i);
            let steps = found.steps().iter().map(|s| {
                json!({ "t": s.seconds, "at_risk": s.at_risk, "arrivals": s.arrivals, "s": s.share, "se": s.se })
            });
            Value::Array(steps.collect())
        }
        "km_at" => {
            let watch = |key: &str, arrived: bool| -> Vec<Watched> {
                numbers(i, key)
                    .into_iter()
                    .map(|seconds| Watched { seconds, arrived })
                    .collect()
            };
            let refused = |seconds: f64| {
                vec![
                    Watched {
                        seconds,
                        arrived: false
                    };
                    count(i, "rejected") as usize
                ]
            };
            let at = |refused: Vec<Watched>| {
                let all = [watch("arrived", true), watch("lost_at", false), refused].concat();
                Survival::new(&all).unwrap().at(number(i, "t"))
            };
            json!({
                "not_arrived": at(refused(number(i, "watch_end"))),
                "wrong_if_censored_at_rejection": at(refused(0.0)),
            })
        }
        "km_loglog_ci" => {
            let (found, t) = (survival(i), number(i, "t"));
            let bounds = found.bounds(t, conf()).unwrap();
            json!({ "s": found.at(t), "ci": bounds.map(pair) })
        }
        "km_loglog_ci_many" => {
            let found = survival(i);
            let at = list(i, "at")
                .iter()
                .map(|t| found.bounds(t.as_f64().unwrap(), conf()).unwrap());
            Value::Array(at.map(|bounds| json!(bounds.map(pair))).collect())
        }
        "km_quantile" => {
            let found = survival(i).quantile(q(), conf()).unwrap();
            Value::Array([found.value, found.lower, found.upper].map(or_never).to_vec())
        }
        "logrank" => {
            let found = log_rank(&watched(i, "t1", "e1"), &watched(i, "t2", "e2")).unwrap();
            json!({
                "chi2": found.chi2,
                "p": found.p,
                "observed1": found.observed,
                "expected1": found.expected,
            })
        }
        "rmst" => {
            let found = survival(i).restricted_mean(number(i, "tau")).unwrap();
            json!({ "area": found.mean, "variance": found.variance })
        }
        "native_bucket_index" => {
            let schema = i["schema"].as_i64().unwrap() as i32;
            let found = native_bucket(number(i, "value"), schema).unwrap();
            json!({ "index": found.index, "upper": found.upper, "lower": found.lower })
        }
        "hdr_edges" => json!(edges(count(i, "value")).unwrap()),
        "hdr_quantile_with_lost" => {
            let mut histogram = LatencyHistogram::new().unwrap();
            for value in counts(i, "values") {
                histogram.record_micros(value).unwrap();
            }
            histogram.record_never(count(i, "lost"));
            histogram
                .quantile(q())
                .unwrap()
                .map_or(json!("inf"), |micros| json!(micros))
        }
        "hdr_record_correct" => {
            let mut histogram = LatencyHistogram::new().unwrap();
            histogram
                .record_corrected(count(i, "value"), count(i, "interval"))
                .unwrap();
            json!({ "recorded": histogram.arrived(), "minimum": histogram.lowest() })
        }
        _ => return None,
    })
}

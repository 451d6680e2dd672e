//! Routes against each other.

use landfall::stats::agreement::route_agreement;
use landfall::stats::divergence::divergence;
use landfall::stats::ticks::{Counts, Relative, Wait};
use landfall::stats::verdict::{Mode, Question, verdict, word as word_alone};
use landfall::stats::{betting, family, paired, planning, shift};
use serde_json::{Value, json};

use super::compare::{count, flag, list, number, numbers, spread, word, written};
use super::one_route::pair;
use super::only_here;

fn mode(i: &Value) -> Mode {
    match word(i, "mode") {
        "fixed" => Mode::Fixed,
        "sequential" => Mode::Sequential,
        other => panic!("no mode is called {other}"),
    }
}

fn counts(i: &Value) -> Counts {
    Counts {
        better: count(i, "better"),
        same: count(i, "same"),
        worse: count(i, "worse"),
    }
}

fn shifted(found: shift::Shift) -> Value {
    let bounds = found.bounds();
    json!([found.estimate, written(bounds.lower), written(bounds.upper)])
}

fn wait(i: &Value, key: &str) -> Wait {
    let both = numbers(i, key);
    Wait {
        lo: both[0],
        hi: Some(both[1]).filter(|hi| hi.is_finite()),
    }
}

fn waits(i: &Value, key: &str) -> Vec<Option<f64>> {
    numbers(i, key)
        .into_iter()
        .map(|w| Some(w).filter(|w| w.is_finite()))
        .collect()
}

pub(super) fn computed(function: &str, i: &Value) -> Option<Value> {
    let conf = || number(i, "conf");
    Some(match function {
        "tango" => {
            let [b, c, n] = ["better", "worse", "n"].map(|key| count(i, key));
            let found = paired::tango(b, c, n, conf()).unwrap();
            json!([found.estimate, found.bounds.lower, found.bounds.upper])
        }
        "mcnemar" => json!(paired::mcnemar(count(i, "better"), count(i, "worse")).unwrap()),
        "bet_cs_diff" => {
            let Counts { better, same, worse } = counts(i);
            pair(betting::limits_of_difference(better, same, worse, conf()).unwrap())
        }
        "verdict" => {
            let question = Question {
                margin: number(i, "margin"),
                mode: mode(i),
                conf: conf(),
                peers: flag(i, "peer"),
            };
            let found = verdict(counts(i), question).unwrap();
            assert_eq!(word_alone(counts(i), question), Ok(found.word), "{i}");
            json!({ "word": found.word, "lower": found.bounds.lower, "upper": found.bounds.upper })
        }
        "ticks_for_no_difference" => {
            json!(planning::ticks_for_no_difference(number(i, "margin"), mode(i), conf()).unwrap())
        }
        "power_worse_fixed" => {
            json!(only_here::power_worse_fixed(
                number(i, "p_a"),
                number(i, "p_b"),
                count(i, "n")
            ))
        }
        "holm" => json!(family::holm(&numbers(i, "p")).unwrap()),
        "hodges_lehmann_paired" => shifted(shift::paired(&numbers(i, "d"), conf()).unwrap()),
        "hodges_lehmann_unpaired" => {
            shifted(shift::unpaired(&numbers(i, "x"), &numbers(i, "y"), conf()).unwrap())
        }
        "mann_whitney_exact" => {
            let (u, p) = only_here::mann_whitney_exact(&numbers(i, "x"), &numbers(i, "y"));
            json!({ "u": u, "p": p })
        }
        "net_win_unpaired" => json!(shift::net_win(&waits(i, "a"), &waits(i, "b")).unwrap()),
        "latency_tick" => {
            let tick = Relative::of_latency(wait(i, "a"), wait(i, "b"), number(i, "dead_zone"));
            json!(tick.unwrap().sign())
        }
        "route_agreement" => {
            let found = route_agreement(&spread(i, "ticks", ','), conf()).unwrap();
            json!({
                "score": found.score,
                "lower": found.bounds.lower,
                "upper": found.bounds.upper,
                "n_eff": found.n_eff,
            })
        }
        "fleiss_kappa_two" => {
            let share = |route: &str| -> f64 {
                let counts = i[route].as_object().unwrap();
                let all: u64 = counts.values().map(|n| n.as_u64().unwrap()).sum();
                counts["ok"].as_u64().unwrap() as f64 / all as f64
            };
            // The losses fall on different ticks, as the case's note says.
            let agreement = 1.0 - (1.0 - share("a")) - (1.0 - share("b"));
            let ok = f64::midpoint(share("a"), share("b"));
            json!({ "kappa": only_here::fleiss_kappa_two(agreement, ok), "agreement": agreement })
        }
        "divergence" => {
            let ticks: Vec<(&str, &str)> = list(i, "ticks")
                .iter()
                .flat_map(|t| {
                    let both = (t[0].as_str().unwrap(), t[1].as_str().unwrap());
                    vec![both; t[2].as_u64().unwrap() as usize]
                })
                .collect();
            let found = divergence(&ticks, 0).unwrap();
            json!({
                "divergence": found.divergence,
                "c_a": found.own_first,
                "c_b": found.own_second,
                "c_ab": found.across,
                "same_tick": found.same_tick,
                "p": found.p,
            })
        }
        _ => return None,
    })
}

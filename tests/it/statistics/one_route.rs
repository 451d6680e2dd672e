//! Shares, clumping, looks, gates and consistency.

use landfall::stats::consistency::consistency;
use landfall::stats::gate::Gate;
use landfall::stats::layers::along_layers;
use landfall::stats::{Bounds, betting, clumping, shares};
use serde_json::{Value, json};

use super::compare::{count, counts, flags, list, number, numbers, spread};
use super::only_here;

pub(super) fn pair(bounds: Bounds) -> Value {
    json!([bounds.lower, bounds.upper])
}

pub(super) fn computed(function: &str, i: &Value) -> Option<Value> {
    let (k, n) = (|| count(i, "k"), || count(i, "n"));
    let conf = || number(i, "conf");
    Some(match function {
        "wilson" => pair(match i["n"].as_u64() {
            Some(n) if i["k"].is_u64() => shares::wilson(k(), n, conf()).unwrap(),
            _ => shares::wilson_of(number(i, "k") / number(i, "n"), number(i, "n"), conf()).unwrap(),
        }),
        "clopper_pearson" => pair(shares::clopper_pearson(k(), n(), conf()).unwrap()),
        "exact_floor" => json!(shares::exact_floor(k(), n(), conf()).unwrap()),
        "runs_for_floor" => json!(shares::runs_for_floor(number(i, "target"), conf()).unwrap()),
        "newcombe_unpaired" => {
            let [k1, n1, k2, n2] = ["k1", "n1", "k2", "n2"].map(|key| count(i, key));
            let found = shares::newcombe(k1, n1, k2, n2, conf()).unwrap();
            json!([found.estimate, found.bounds.lower, found.bounds.upper])
        }
        "design_effect" => {
            let mut good = vec![true; n() as usize];
            for zero in counts(i, "zeros") {
                good[zero as usize] = false;
            }
            json!(clumping::design_effect(&good).unwrap())
        }
        "bets_grid" => {
            let bets = betting::bets();
            assert_eq!(count(i, "J") as usize, bets.len());
            json!({ "first": bets[0], "mid": bets[31], "last": bets[63], "sum": bets.iter().sum::<f64>() })
        }
        "bet_log_wealth" => {
            let tally: Vec<_> = numbers(i, "values")
                .into_iter()
                .zip(counts(i, "counts"))
                .collect();
            json!(betting::log_wealth(&tally, number(i, "null_mean")).unwrap())
        }
        "bet_cs_success" => pair(betting::limits_of_share(k(), n(), conf()).unwrap()),
        "beta_binomial_cs" => {
            let [alpha, t_opt, alpha_opt] = ["alpha", "t_opt", "alpha_opt"].map(|key| number(i, key));
            pair(only_here::beta_binomial_cs(k(), n(), alpha, t_opt, alpha_opt))
        }
        "bet_crossing_probability" => {
            let [p, m, alpha] = ["p", "null_mean", "alpha"].map(|key| number(i, key));
            json!(only_here::crossing_probability(p, m, alpha, count(i, "runs")))
        }
        "sprt_runs_to_accept" => {
            let [good, bad, beta] = ["good", "bad", "beta"].map(|key| number(i, key));
            json!(Gate::new(good, bad, beta, beta).unwrap().runs_to_pass(0).unwrap())
        }
        "sprt" => {
            let [good, bad, alpha, beta] = ["good", "bad", "alpha", "beta"].map(|key| number(i, key));
            let found = Gate::new(good, bad, alpha, beta).unwrap().pass(&flags(i, "runs"));
            json!({ "verdict": found.word, "runs_used": found.runs_used, "log_lr": found.log_ratio })
        }
        "outcome_consistency" => {
            let found = consistency(&counts(i, "counts"), conf()).unwrap();
            json!({
                "score": found.score,
                "lower": found.bounds.lower,
                "upper": found.bounds.upper,
                "n_eff": found.n_eff,
                "modal_share": found.usual_share,
                "effective_outcomes": found.effective_outcomes.map_or(json!("inf"), |e| json!(e)),
            })
        }
        "layer_agreement" => {
            let runs = spread(i, "runs", '|');
            let layers: Vec<Vec<&str>> = (0..runs[0].len())
                .map(|k| runs.iter().map(|run| run[k]).collect())
                .collect();
            json!(along_layers(&layers).unwrap().scores)
        }
        "wracc" => {
            let [bad_in, n_in, bad_all, n_all] =
                ["bad_in", "n_in", "bad_all", "n_all"].map(|key| count(i, key));
            json!(landfall::stats::attribution::relative_accuracy(bad_in, n_in, bad_all, n_all).unwrap())
        }
        "monte_carlo_p" => {
            json!(
                landfall::stats::attribution::monte_carlo_p(count(i, "hits"), count(i, "shuffles")).unwrap()
            )
        }
        "attribution" => {
            let rows: Vec<(u64, u64)> = list(i, "table")
                .iter()
                .map(|row| (row[0].as_u64().unwrap(), row[1].as_u64().unwrap()))
                .collect();
            let found = landfall::stats::attribution::association(&rows).unwrap();
            let exact = landfall::stats::attribution::exact_p(&rows).unwrap();
            json!({
                "g": found.g,
                "bits": found.bits,
                "explained": found.explained,
                "chi2_p": found.chi2_p,
                "exact_permutation_p": exact,
            })
        }
        "change_point" => {
            let least = count(i, "min_segment") as usize;
            let found = landfall::stats::change::change_point(&flags(i, "bits"), least).unwrap();
            json!({ "cut": found.cut, "statistic": found.statistic })
        }
        _ => return None,
    })
}

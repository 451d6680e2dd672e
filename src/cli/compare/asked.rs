//! What the arguments of `compare` may be, and which go together.

use std::path::Path;
use std::time::Duration;

use super::Args;
use crate::compare::{Looking, Metric, Setup};

/// A margin, of the metric that the comparison is about or of the one that is named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Margin {
    metric: Option<Metric>,
    share: f64,
}

pub(super) fn metric(text: &str) -> Result<Metric, String> {
    Metric::from_word(text).ok_or_else(|| {
        let known = Metric::ALL.map(Metric::word).join(", ");
        format!("`{text}` is no metric: one of {known}")
    })
}

pub(super) fn margin(text: &str) -> Result<Margin, String> {
    let (metric, share) = match text.split_once('=') {
        Some((name, share)) => (Some(metric(name)?), share),
        None => (None, text),
    };
    let share = self::share("the margin", share, "5% is five points of a hundred")?;
    Ok(Margin { metric, share })
}

pub(super) fn confidence(text: &str) -> Result<f64, String> {
    share("the confidence", text, "95% is usual")
}

/// A share such as `0.05` or `5%`, above 0 and below 1.
fn share(what: &str, text: &str, usual: &str) -> Result<f64, String> {
    let (number, scale) = text
        .trim()
        .strip_suffix('%')
        .map_or((text, 1.0), |number| (number, 100.0));
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is no share: write 0.05 or 5%; {usual}"))?;
    let share = number / scale;
    if share > 0.0 && share < 1.0 {
        return Ok(share);
    }
    Err(format!(
        "{what} is {text} and must be above 0 and below 1 (100%); {usual}"
    ))
}

/// A length of time, or none of it: `0s`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    crate::model::Lapse::parse(text).map(|lapse| lapse.0)
}

impl Args {
    /// Refuses what would be passed over.
    pub(super) fn check(&self) -> Result<(), String> {
        let scope = &self.scope;
        let refuse = |given: &[(&str, bool)], why: &str| {
            let found = given.iter().find(|(_, given)| *given);
            found.map_or(Ok(()), |(option, _)| Err(format!("`{option}` {why}")))
        };
        let firing = [
            ("--cap", self.cap.is_some()),
            ("--every", self.every.is_some()),
            ("--for", self.for_.is_some()),
            ("--route-gap", self.route_gap.is_some()),
            ("--seed", self.seed.is_some()),
            ("--no-grace", self.no_grace),
            ("--keep-data", self.keep_data),
            ("--var", !self.var.is_empty()),
            ("--listen", self.listen.is_some()),
            ("--public-url", self.public_url.is_some()),
        ];
        let history = [
            ("--since", scope.since.is_some()),
            ("--until", scope.until.is_some()),
            ("--label", !scope.label.is_empty()),
        ];
        if self.what.len() == 2 {
            refuse(
                &firing,
                "is about firing, and two result files are compared as they are",
            )?;
            let paired = [
                ("--from-store", self.from_store),
                ("--baseline", self.baseline.is_some()),
                ("--noise-arm", self.noise_arm),
                ("--fixed", self.fixed.is_some()),
                ("--store", !scope.store.is_empty()),
            ];
            return refuse(
                &paired,
                "is for one probe: of two result files the first is the baseline",
            );
        }
        if self.from_store {
            return refuse(&firing, "is about firing, and `--from-store` fires nothing");
        }
        if Path::new(&self.what[0]).is_file() && (self.what[0].contains('.') || self.what[0].contains('/')) {
            let file = &self.what[0];
            return Err(format!(
                "`{file}` is a file: name a second one to compare it with, or a probe"
            ));
        }
        refuse(&history, "is about stored runs: add `--from-store`")?;
        if scope.store.len() > 1 {
            return Err(String::from(
                "`--store` names one store to write to; several are read with `--from-store`",
            ));
        }
        Ok(())
    }

    /// What is declared, of these routes and inputs.
    pub(super) fn setup(
        &self,
        probe: &str,
        baseline: &str,
        routes: Vec<String>,
        inputs: Vec<String>,
    ) -> Setup {
        let margins = self
            .margin
            .iter()
            .map(|margin| (margin.metric.unwrap_or(self.metric), margin.share));
        Setup {
            routes,
            noise: self.noise_arm.then(|| super::arms::noise_name(baseline)),
            inputs,
            primary: self.metric,
            gates: self.gate.clone(),
            margins: margins.collect(),
            confidence: self.confidence,
            looking: self.fixed.map_or(Looking::Always, Looking::Once),
            dead_zone: self.dead_zone.map(|time| time.as_secs_f64()),
            ..Setup::new(probe, baseline, &[])
        }
    }

    /// How many ticks may be fired: of a fixed number twice as many, so that some may be dropped.
    pub(super) fn most_ticks(&self) -> u64 {
        self.fixed
            .map_or(self.cap.unwrap_or(super::CAP), |fixed| fixed * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_in_two_ways_and_never_all_or_nothing() {
        assert_eq!(margin("0.05").map(|m| m.share), Ok(0.05));
        let found = margin("latency=10%").unwrap();
        assert_eq!((found.metric, found.share), (Some(Metric::Latency), 0.1));
        for wrong in [
            "0", "1", "0%", "100%", "-0.1", "NaN", "inf", "1e400", "five", "", "%", "speed=5%",
        ] {
            assert!(margin(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            margin("1").unwrap_err(),
            "the margin is 1 and must be above 0 and below 1 (100%); 5% is five points of a hundred"
        );
        assert!(
            confidence("100%")
                .unwrap_err()
                .starts_with("the confidence is 100% and must be")
        );
    }
}

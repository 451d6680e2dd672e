//! Latency where some runs are in flight, were cut short or were watched for different times: Kaplan-Meier.
//!
//! What survives is 'not yet arrived'. A lost run is censored at the end of its watch, one in flight at now, one that
//! could no longer be observed at its last successful look. A *rejected* run stays at risk to the end of its watch:
//! censoring it at the rejection would pretend that it arrived like the others. The plateau is the share that is lost;
//! nothing is read beyond it.

use serde::Serialize;

use super::error::{durations_of, open_share, positive, some};
use super::shares::clopper_pearson;
use super::special::two_sided_z;
use super::{Bounds, StatError};

/// How long one run was watched, and whether that ended with its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Watched {
    /// Seconds from the start to the arrival, or to the end of the watch.
    pub seconds: f64,
    /// Whether it arrived then.
    pub arrived: bool,
}

/// Runs whose watch ended after the same time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// Seconds from the start to the arrival, or to the end of the watch.
    pub seconds: f64,
    /// Runs that arrived then.
    pub arrived: u64,
    /// Runs that had not arrived when their watch ended then.
    pub left: u64,
}

/// The curve of 'not yet arrived'.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Survival {
    steps: Vec<Step>,
    runs: u64,
    /// The earliest end of a watch that saw no arrival.
    first_censored: Option<f64>,
    /// The longest watch.
    longest: f64,
}

/// The curve from one arrival time to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The time of arrival, in seconds.
    pub seconds: f64,
    /// Runs still watched and not arrived just before.
    pub at_risk: u64,
    /// Runs that arrived then.
    pub arrivals: u64,
    /// The share not yet arrived from then on.
    pub share: f64,
    /// Its standard error (Greenwood); 0 where nothing is left.
    pub se: f64,
    /// Greenwood's sum Σ d/(n(n-d)) up to here, 0 where nothing is left.
    #[serde(skip)]
    greenwood: f64,
}

/// A time by which a share has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SurvivalQuantile {
    /// Which quantile.
    pub q: f64,
    /// Its value in seconds; `None` is not reached.
    pub value: Option<f64>,
    /// The lower limit in seconds; `None` is not reached.
    pub lower: Option<f64>,
    /// The upper limit in seconds; `None` is not bounded by this data.
    pub upper: Option<f64>,
}

/// The mean wait up to a cap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RestrictedMean {
    /// The cap, in seconds.
    pub cap: f64,
    /// The area under the curve to the cap: the mean of min(wait, cap), in seconds.
    pub mean: f64,
    /// The variance of that estimate, in seconds squared: Σ (area from t_i to the cap)² d/(n(n-d)).
    pub variance: f64,
}

impl Survival {
    /// The Kaplan-Meier curve: S(t) = Π_{t_i <= t} (1 - d_i/n_i). A run whose watch ended at an arrival's time was still
    /// at risk then. Kaplan and Meier 1958; variance by Greenwood 1926.
    ///
    /// # Errors
    /// No runs, a time that is negative, infinite or not a number.
    pub fn new(watched: &[Watched]) -> Result<Self, StatError> {
        let one = |w: &Watched| Ended {
            seconds: w.seconds,
            arrived: u64::from(w.arrived),
            left: u64::from(!w.arrived),
        };
        Self::counted(&watched.iter().map(one).collect::<Vec<_>>())
    }

    /// The same of runs that are counted by the time at which their watch ended.
    ///
    /// # Errors
    /// As [`Survival::new`].
    pub fn counted(ended: &[Ended]) -> Result<Self, StatError> {
        let runs = ended.iter().map(|e| e.arrived + e.left).sum();
        some("runs", runs)?;
        durations_of("watch", ended.iter().map(|e| e.seconds))?;
        let mut sorted = ended.to_vec();
        sorted.sort_unstable_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let first_censored = sorted.iter().find(|e| e.left > 0).map(|e| e.seconds);
        let longest = sorted.last().map_or(0.0, |e| e.seconds);
        let mut steps: Vec<Step> = Vec::new();
        let (mut share, mut greenwood, mut at_risk) = (1.0, 0.0, runs);
        for together in sorted.chunk_by(|a, b| a.seconds == b.seconds) {
            let arrivals: u64 = together.iter().map(|e| e.arrived).sum();
            if arrivals > 0 {
                let (n, left) = (at_risk as f64, (at_risk - arrivals) as f64);
                share *= left / n;
                greenwood = if left > 0.0 {
                    greenwood + arrivals as f64 / (n * left)
                } else {
                    0.0
                };
                steps.push(Step {
                    seconds: together[0].seconds,
                    at_risk,
                    arrivals,
                    share,
                    se: share * f64::sqrt(greenwood),
                    greenwood,
                });
            }
            at_risk -= arrivals + together.iter().map(|e| e.left).sum::<u64>();
        }
        Ok(Self {
            steps,
            runs,
            first_censored,
            longest,
        })
    }

    /// The steps of the curve, one a time of arrival.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The share not yet arrived at a time in seconds: 1 before the first arrival.
    #[must_use]
    pub fn at(&self, seconds: f64) -> f64 {
        self.step(seconds).map_or(1.0, |step| step.share)
    }

    /// The limits of that share: S^exp(±z·se/(S·|ln S|)), on the log-log scale. Where that does not exist, before the
    /// first arrival and where nothing is left, Clopper and Pearson's of the count if every watch that had ended by then
    /// ended with an arrival; else `None`.
    ///
    /// # Errors
    /// A time that is not a finite number of 0 or more, a confidence that is not above 0 and below 1.
    pub fn bounds(&self, seconds: f64, conf: f64) -> Result<Option<Bounds>, StatError> {
        let seconds = super::error::not_negative("the time in seconds", seconds)?;
        let z = two_sided_z(open_share("the confidence", conf)?);
        if let Some(step) = self.step(seconds)
            && step.share > 0.0
        {
            return Ok(Some(step.log_log(z)));
        }
        if self.first_censored.is_some_and(|first| first < seconds) {
            return Ok(None);
        }
        let arrived: u64 = self.until(seconds).iter().map(|step| step.arrivals).sum();
        clopper_pearson(self.runs - arrived, self.runs, conf).map(Some)
    }

    /// The time by which a share `q` has arrived: the first with S <= 1 - q. Its limits are the first times at which the
    /// lower and the upper limit of S come so low. Brookmeyer and Crowley 1982.
    ///
    /// # Errors
    /// A `q` or confidence that is not above 0 and below 1.
    pub fn quantile(&self, q: f64, conf: f64) -> Result<SurvivalQuantile, StatError> {
        let left = 1.0 - open_share("the quantile", q)? + 1e-12;
        let mut found = SurvivalQuantile {
            q,
            value: None,
            lower: None,
            upper: None,
        };
        for step in &self.steps {
            let note = |place: &mut Option<f64>, share: f64| {
                if place.is_none() && share <= left {
                    *place = Some(step.seconds);
                }
            };
            note(&mut found.value, step.share);
            match self.bounds(step.seconds, conf)? {
                Some(bounds) => {
                    note(&mut found.lower, bounds.lower);
                    note(&mut found.upper, bounds.upper);
                }
                // Whatever the lower limit would be, it is not above the share itself.
                None => note(&mut found.lower, step.share),
            }
        }
        Ok(found)
    }

    /// The mean wait up to a cap: the area under the curve. Irwin 1949; with complete watches the plain mean of
    /// min(wait, cap).
    ///
    /// # Errors
    /// A cap that is not a finite number of seconds above 0, or that is beyond the longest watch while runs are left:
    /// nothing is known there.
    pub fn restricted_mean(&self, cap: f64) -> Result<RestrictedMean, StatError> {
        let cap = positive("the cap in seconds", cap)?;
        if cap > self.longest && self.steps.last().is_none_or(|step| step.share > 0.0) {
            return Err(StatError::Order {
                low_what: "the cap in seconds",
                low: cap,
                relation: "at most",
                high_what: "the longest watch",
                high: self.longest,
            });
        }
        // From the last step before the cap backwards: `area` is what lies under the curve from a step to the cap.
        let (mut end, mut area, mut variance) = (cap, 0.0, 0.0);
        for step in self.until(cap).iter().rev() {
            area += step.share * (end - step.seconds);
            end = step.seconds;
            let left = (step.at_risk - step.arrivals) as f64;
            if left > 0.0 {
                variance += area * area * step.arrivals as f64 / (step.at_risk as f64 * left);
            }
        }
        Ok(RestrictedMean {
            cap,
            mean: area + end,
            variance,
        })
    }

    /// The steps up to a time.
    fn until(&self, seconds: f64) -> &[Step] {
        &self.steps[..self.steps.partition_point(|step| step.seconds <= seconds)]
    }

    fn step(&self, seconds: f64) -> Option<&Step> {
        self.until(seconds).last()
    }
}

impl Step {
    fn log_log(&self, z: f64) -> Bounds {
        let spread = (z * self.greenwood.sqrt() / self.share.ln().abs()).exp();
        Bounds {
            lower: self.share.powf(spread),
            upper: self.share.powf(1.0 / spread),
        }
    }
}

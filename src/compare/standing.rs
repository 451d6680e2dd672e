//! What can be said of a comparison as it stands.

use super::contest::Contest;
use super::judge::at_once;
use super::{
    Compared, Comparison, Effect, End, Experiment, Limits, Looking, Metric, Role, RouteFigures, Sample,
    Source, Terms, effect, notes,
};
use crate::stats::StatError;
use crate::stats::verdict::{Verdict, Word, verdict};

impl Experiment {
    /// The words of the declared comparisons as they stand, without their intervals and at a fraction of the cost: what is
    /// withheld has none.
    #[must_use]
    pub fn words(&self) -> Vec<Option<Word>> {
        let declared = self
            .contests
            .iter()
            .filter(|contest| contest.role == Role::Declared);
        let withheld = self.tally.withheld().is_some();
        declared
            .map(|contest| (contest.is_reached() || !withheld).then(|| contest.word()))
            .collect()
    }

    /// Every comparison as it stands.
    ///
    /// # Errors
    /// More ticks than can be counted exactly.
    pub fn standings(&self) -> Result<Vec<Compared>, StatError> {
        self.contests
            .iter()
            .map(|contest| self.standing(contest))
            .collect()
    }

    /// What it all comes out as.
    ///
    /// # Errors
    /// More ticks than can be counted exactly.
    pub fn comparison(&self, source: Source, end: End) -> Result<Comparison, StatError> {
        let mut comparisons = self.standings()?;
        for (compared, course) in comparisons.iter_mut().zip(self.courses()?) {
            compared.course = course;
        }
        let each = self.setup.each()?;
        Ok(Comparison {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source,
            paired: true,
            probe: Some(self.setup.probe.clone()),
            baseline: self.setup.baseline.clone(),
            since: self.span.map(|(first, _)| first.to_rfc3339()),
            until: self.span.map(|(_, last)| last.to_rfc3339()),
            end,
            end_detail: String::new(),
            terms: Terms {
                metric: self.setup.primary,
                gates: self.setup.declared().skip(1).collect(),
                confidence: self.setup.confidence,
                each,
                family: self.setup.family(),
                fixed: match self.setup.looking {
                    Looking::Always => None,
                    Looking::Once(ticks) => Some(ticks),
                },
            },
            schedule: None,
            ticks: Some(self.tally.shown(self.in_flight())),
            notes: notes::of(self, &comparisons),
            comparisons,
            routes: self.figures(),
            effects: self.effects(each)?,
            skew: effect::skew(self.inputs.iter().flat_map(|series| &series.counted)),
            revisions: self.revisions.keys().map(ToString::to_string).collect(),
        })
    }

    /// The ticks of an input that the words rest on.
    fn looked_at(&self, input: usize) -> &[Vec<Sample>] {
        let counted = &self.inputs[input].counted;
        let end = match self.setup.looking {
            Looking::Always => counted.len(),
            Looking::Once(ticks) => usize::try_from(ticks).map_or(counted.len(), |n| n.min(counted.len())),
        };
        &counted[..end]
    }

    fn standing(&self, contest: &Contest) -> Result<Compared, StatError> {
        let (found, reached_after) = match self.setup.looking {
            Looking::Always => contest.verdict()?,
            Looking::Once(ticks) => (self.once(contest, ticks)?, None),
        };
        let withheld = self.tally.withheld().filter(|_| reached_after.is_none());
        let since = self
            .span
            .map_or_else(|| String::from("the first tick"), |(first, _)| first.to_rfc3339());
        let counts = found.counts;
        Ok(Compared {
            probe: self.setup.probe.clone(),
            route: self.arms[contest.arm].clone(),
            input: self.setup.inputs[contest.input].clone(),
            metric: contest.metric,
            role: contest.role,
            word: withheld.is_none().then_some(found.word),
            withheld,
            beyond_margin: found.beyond_margin && withheld.is_none(),
            margin: contest.question.margin,
            better: Some(counts.better),
            same: Some(counts.same),
            worse: Some(counts.worse),
            net: found.net,
            limits: Limits::of(found.bounds),
            mid_p: found.mid_p,
            guarantee: found.guarantee(&since),
            more: found.more_ticks,
            reached_after,
            dead_zone: (contest.metric == Metric::Latency)
                .then(|| contest.dead_zone())
                .flatten(),
            course: Vec::new(),
        })
    }

    /// One look at the first so many ticks. Before there are as many, looking would be a second look.
    fn once(&self, contest: &Contest, ticks: u64) -> Result<Verdict, StatError> {
        let looked_at = self.looked_at(contest.input);
        let pairs = looked_at
            .iter()
            .map(|samples| (&samples[0], &samples[contest.arm]));
        let counts = at_once(contest.metric, self.setup.dead_zone, pairs);
        let mut found = verdict(counts, contest.question)?;
        let missing = ticks.saturating_sub(looked_at.len() as u64);
        if missing > 0 {
            found.word = Word::NotEnough;
            found.beyond_margin = false;
            found.more_ticks = Some(missing);
        }
        Ok(found)
    }

    fn figures(&self) -> Vec<RouteFigures> {
        let each = self.setup.inputs.iter().enumerate().flat_map(|(input, name)| {
            self.arms
                .iter()
                .enumerate()
                .map(move |(arm, route)| (input, name, arm, route))
        });
        each.map(|(input, name, arm, route)| {
            let runs = self.looked_at(input).iter().map(|samples| &samples[arm]);
            effect::figures((&self.setup.probe, route, None, name), runs)
        })
        .collect()
    }

    fn effects(&self, conf: f64) -> Result<Vec<Effect>, StatError> {
        let mut effects = Vec::new();
        for (input, name) in self.setup.inputs.iter().enumerate() {
            for arm in 1..self.arms.len() {
                let ticks = self.looked_at(input).iter();
                let pairs: Vec<(&Sample, &Sample)> =
                    ticks.map(|samples| (&samples[0], &samples[arm])).collect();
                effects.push(effect::paired(
                    (&self.setup.probe, &self.arms[arm], name),
                    &pairs,
                    conf,
                )?);
            }
        }
        Ok(effects)
    }
}

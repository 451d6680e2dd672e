//! The `junit` format: a suite a probe, a case a declared comparison. Worse is a failure; no verdict and `not enough runs`
//! are errors, so that a pipeline which reads nothing but this does not take them for a pass.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::super::junit::safe;
use super::super::words::clip;
use super::sentences::{compared_name, conclusion, sentence, word};
use crate::compare::{Compared, Comparison};
use crate::stats::verdict::Word;

/// The whole report.
pub(super) fn render(comparison: &Comparison) -> String {
    let mut report = Report::new("landfall");
    if let Some(since) = &comparison.since
        && let Ok(since) = chrono::DateTime::parse_from_rfc3339(since)
    {
        report.set_timestamp(since);
    }
    let mut suites: BTreeMap<&str, Vec<TestCase>> = BTreeMap::new();
    for compared in comparison.declared() {
        suites
            .entry(&compared.probe)
            .or_default()
            .push(case(comparison, compared));
    }
    for (probe, cases) in suites {
        let mut suite = TestSuite::new(safe(&clip(probe, 200)));
        suite.add_test_cases(cases);
        report.add_test_suite(suite);
    }
    report.to_string().unwrap_or_else(|error| {
        let error = error.to_string().replace(['&', '<', '>', '"'], " ");
        let said = conclusion(comparison).replace("--", "- -");
        format!("<testsuites name=\"landfall\" errors=\"1\"><!-- {error}: {said} --></testsuites>\n")
    })
}

fn case(comparison: &Comparison, compared: &Compared) -> TestCase {
    let mut status = match compared.word {
        Some(Word::Better | Word::NoDifference | Word::WorseWithinMargin) => TestCaseStatus::success(),
        Some(Word::Worse) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Some(Word::NotEnough) | None => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let said = sentence(comparison, compared);
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_type(word(compared)).set_message(safe(&said));
    }
    let name = format!(
        "{} against {}",
        compared_name(comparison, compared),
        clip(&comparison.baseline, 80)
    );
    let mut case = TestCase::new(safe(&format!("{name} by {}", compared.metric.word())), status);
    case.set_classname(safe(&clip(&compared.probe, 200)));
    case.add_property(("verdict", word(compared)));
    case.add_property(("sentence", safe(&said).as_str()));
    case
}

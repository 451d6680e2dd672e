//! JUnit XML: a suite a probe, a case a series. An objective that is not met is a failure, not seen enough an error,
//! not enough runs a skip; without an objective a case says what was, and passes.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::route;
use super::text::Page;
use crate::report::Style;
use crate::report::junit::safe;
use crate::report::series::{
    History, ObjectiveWord, ProbeFigures, SeriesFigures, Withheld, objectives, sections, sentence, withheld,
};
use crate::report::words::clip;

/// Columns of what is told.
const WIDTH: u16 = 100;

pub(super) fn render(history: &History) -> String {
    let mut report = Report::new("landfall report");
    if let Ok(made) = chrono::DateTime::parse_from_rfc3339(&history.made) {
        report.set_timestamp(made);
    }
    for probe in &history.probes {
        let mut suite = TestSuite::new(safe(&clip(&probe.probe, 200)));
        let name = sections(probe);
        suite.add_test_cases(
            probe
                .series
                .iter()
                .map(|series| case(history, probe, series, &name(series))),
        );
        report.add_test_suite(suite);
    }
    // As the report on runs: writing into memory does not fail.
    report.to_string().unwrap_or_else(|error| {
        let error = error.to_string().replace(['&', '<', '>', '"'], " ");
        let said = sentence(history);
        format!("<testsuites name=\"landfall report\" errors=\"1\"><!-- {error}: {said} --></testsuites>\n")
    })
}

fn case(history: &History, probe: &ProbeFigures, series: &SeriesFigures, name: &str) -> TestCase {
    let current = probe.definitions.last().map(|last| &last.revision);
    let of = |o: &&crate::report::series::ObjectiveFigures| {
        (&o.route, &o.input, &o.location) == (&series.route, &series.input, &series.location)
            && (series.revision.is_none() || series.revision.as_ref() == current)
    };
    let objective = probe.objectives.iter().find(of);
    let mut status = match (series.withheld, objective.map(|o| o.word)) {
        (Some(Withheld::Unobserved), _) => TestCaseStatus::non_success(NonSuccessKind::Error),
        (_, Some(ObjectiveWord::NotMet)) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (_, Some(ObjectiveWord::NotEnough)) => TestCaseStatus::skipped(),
        _ => TestCaseStatus::success(),
    };
    let why = withheld(series).or_else(|| objective.map(|o| objectives(o).join("; ")));
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_message(safe(&why.unwrap_or_default()));
    }
    let mut page = Page {
        out: String::new(),
        style: Style {
            colour: false,
            width: WIDTH,
        },
    };
    route::block(&mut page, name, series, None, history.source);
    let mut case = TestCase::new(safe(name), status);
    case.set_classname(safe(&clip(&probe.probe, 200)));
    case.set_system_out(safe(&page.out));
    case
}

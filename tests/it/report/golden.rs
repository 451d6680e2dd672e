//! Every format against a file. `UPDATE=1 cargo test --test it report` writes the files anew.

use std::path::PathBuf;

use landfall::report::{Format, Results, Style};

use super::sample;

const FORMATS: [(Format, &str); 6] = [
    (Format::Text, "txt"),
    (Format::Json, "json"),
    (Format::Ndjson, "ndjson"),
    (Format::Junit, "xml"),
    (Format::Github, "github"),
    (Format::Markdown, "md"),
];

fn compare(name: &str, said: &str) -> Option<String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/report")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, said).expect("written");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    (expected != said).then(|| format!("{name}\n--- expected\n{expected}\n--- said\n{said}"))
}

fn all(name: &str, results: &Results) {
    let style = Style {
        colour: false,
        width: 80,
    };
    let wrong: Vec<String> = FORMATS
        .iter()
        .filter_map(|(format, end)| compare(&format!("{name}.{end}"), &format.render(results, style)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_class_reads_as_it_should() {
    all("every-class", &sample::every_class());
}

#[test]
fn a_usual_day_reads_as_it_should() {
    all("usual", &sample::usual());
}

#[test]
fn nothing_at_all_reads_as_it_should() {
    all("nothing", &sample::results(Vec::new(), Vec::new()));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let results = sample::every_class();
    let plain = Format::Text.render(
        &results,
        Style {
            colour: false,
            width: 80,
        },
    );
    let painted = Format::Text.render(
        &results,
        Style {
            colour: true,
            width: 80,
        },
    );
    assert!(!plain.contains('\x1b') && painted.contains("\x1b["));
    assert_eq!(anstream::adapter::strip_str(&painted).to_string(), plain);
}

#[test]
fn the_table_fits_a_terminal_of_eighty_columns() {
    let mut results = sample::every_class();
    let table = |results: &Results, width| {
        let text = Format::Text.render(results, Style { colour: false, width });
        text.split("\n\n").next().unwrap_or_default().to_owned()
    };
    let widest = |table: &str| table.lines().map(|l| l.chars().count()).max().unwrap_or(0);
    assert!(widest(&table(&results, 80)) <= 80, "{}", table(&results, 80));
    assert!(
        widest(&table(&results, 200)) > 80,
        "a wide terminal has a column for each class"
    );
    // Names that leave no room for columns.
    for run in &mut results.runs {
        let mut long = landfall::model::RunRecord::clone(run);
        long.route = format!("{}-{}", long.route, "x".repeat(60));
        *run = long.into();
    }
    let results = Results::new(sample::STARTED.to_owned(), results.runs, Vec::new());
    let stacked = table(&results, 80);
    assert!(
        widest(&stacked) <= 80 && stacked.contains("1 (25.0 %)"),
        "{stacked}"
    );
}

#[test]
fn many_bad_runs_are_counted_where_they_are_not_explained() {
    let runs = (0..50)
        .map(|n| sample::ended(n, landfall::model::Class::Lost))
        .collect();
    let results = sample::results(runs, Vec::new());
    let text = Format::Text.render(&results, Style::default());
    assert_eq!(text.matches("\nlost: ").count(), 20);
    assert!(text.contains("… and 30 more runs not explained here: `--format json` has all"));
    assert!(text.ends_with("50 runs: 50 lost (50 silent failures); 50 unexecuted\n"));
    let markdown = Format::Markdown.render(&results, Style::default());
    let blocks = markdown.matches("<details>").count();
    assert!(blocks <= 20 && markdown.contains(&format!("… and {} more runs", 50 - blocks)));
    assert_eq!(
        Format::Github
            .render(&results, Style::default())
            .matches("::error ")
            .count(),
        50
    );
}

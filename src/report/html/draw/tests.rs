//! What holds of every drawing: no number that is none, nothing outside of the frame, the same bytes for the same data.

use proptest::prelude::*;

use super::*;
use crate::model::Moment;

fn frame(x: Scale, unit: Unit) -> Frame {
    let y = Axis::new("share", Scale::linear(0.0, 1.0), Unit::Share);
    Frame::new(
        "it",
        "It",
        "What it says.",
        120.0,
        Axis::new("time", x, unit),
        Some(y),
    )
}

fn labels(scale: Scale, unit: Unit, most: usize) -> Vec<String> {
    let axis = Axis::new("", scale, unit);
    axis.ticks(most).into_iter().map(|tick| tick.label).collect()
}

/// Every number of the attributes of that name.
fn numbers(svg: &str, name: &str) -> Vec<f64> {
    let open = format!(" {name}=\"");
    let values = svg.split(&open).skip(1).filter_map(|rest| rest.split('"').next());
    let number = |text: &str| text.trim_end_matches('%').parse().unwrap_or(f64::NAN);
    values.map(number).collect()
}

/// The coordinates of all paths, as (command, number).
fn coordinates(svg: &str) -> Vec<(char, Vec<f64>)> {
    let mut all = Vec::new();
    for path in svg
        .split(" d=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        let mut rest = path;
        while let Some(command) = rest.chars().next() {
            let end = rest[1..]
                .find(|c: char| c.is_ascii_alphabetic())
                .map_or(rest.len(), |at| at + 1);
            let numbers = rest[1..end]
                .split_whitespace()
                .map(|n| n.parse().unwrap_or(f64::NAN));
            all.push((command, numbers.collect()));
            rest = &rest[end..];
        }
    }
    all
}

fn all_layers(frame: &Frame, points: &[(f64, f64)]) -> Vec<Layer> {
    let spans: Vec<Span> = points
        .windows(2)
        .map(|pair| Span {
            from: pair[0].0,
            to: pair[1].0,
            lo: pair[0].1.min(pair[1].1),
            hi: pair[0].1.max(pair[1].1),
        })
        .collect();
    let broken: Vec<Option<(f64, f64)>> = points.iter().map(|p| (p.0 > 0.0).then_some(*p)).collect();
    let bars: Vec<Bar<'_>> = spans
        .iter()
        .map(|s| Bar {
            from: s.from,
            to: s.to,
            parts: vec![("of-lost", s.lo), ("of-late", s.hi)],
        })
        .collect();
    let mut layers = vec![
        frame.steps("route-0", points),
        frame.plateaus("route-1", &spans),
        frame.band("route-0", &spans),
        frame.line("route-2", &broken),
        frame.bars(&bars),
    ];
    for (x, y) in points {
        layers.push(frame.mark("limit", *x, "within"));
        layers.push(frame.region("blind", *x, *y, "unseen"));
        layers.push(frame.level("", *y, "objective"));
        layers.push(frame.say("", *x, *y, "<b>"));
        layers.push(frame.dot("bad", *x, *y, "a & b"));
        layers.push(frame.rect("good", (*x, *y), (*y, *x), ""));
    }
    layers.push(frame.hits(&[Hit {
        from: 0.0,
        to: f64::NAN,
        said: String::from("x"),
    }]));
    layers
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -10.0..1e6_f64,
        4 => 0.0..1.0_f64,
        1 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

fn any_scale() -> impl Strategy<Value = (Scale, Unit)> {
    prop_oneof![
        (any_number(), any_number()).prop_map(|(a, b)| (Scale::linear(a, b), Unit::Share)),
        (any_number(), any_number()).prop_map(|(a, b)| (Scale::linear(a, b), Unit::Count)),
        (any_number(), any_number()).prop_map(|(a, b)| (Scale::linear(a, b), Unit::Seconds)),
        (any_number(), any_number()).prop_map(|(a, b)| (Scale::log(a, b), Unit::Seconds)),
        (any_number(), any_number()).prop_map(|(a, b)| (Scale::log(a, b), Unit::Count)),
        (any::<i64>(), any::<i64>()).prop_map(|(a, b)| (Scale::time(Moment(a), Moment(b)), Unit::Instant)),
    ]
}

proptest! {
    #[test]
    fn nothing_leaves_the_frame((scale, unit) in any_scale(), points in prop::collection::vec((any_number(), any_number()), 0..12)) {
        let frame = frame(scale, unit);
        let svg = frame.draw(&all_layers(&frame, &points)).into_string();
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
        for name in ["x1", "x2", "cx", "width"] {
            for value in numbers(&svg, name) {
                prop_assert!((0.0..=100.0).contains(&value), "{name}={value}");
            }
        }
        for name in ["y1", "y2", "cy"] {
            for value in numbers(&svg, name) {
                prop_assert!((0.0..=120.0).contains(&value), "{name}={value}");
            }
        }
        for (command, numbers) in coordinates(&svg) {
            let (across, down): (&[f64], &[f64]) = match (command, numbers.as_slice()) {
                ('M' | 'L', both) => (&both[..1], &both[1..]),
                ('V', down) => (&[], down),
                (_, across) => (across, &[]),
            };
            prop_assert!(across.iter().all(|x| (0.0..=1000.0).contains(x)), "{command} {numbers:?}");
            prop_assert!(down.iter().all(|y| (0.0..=120.0).contains(y)), "{command} {numbers:?}");
        }
    }

    #[test]
    fn the_same_data_are_the_same_bytes((scale, unit) in any_scale(), points in prop::collection::vec((any_number(), any_number()), 0..6)) {
        let frame = frame(scale, unit);
        let draw = || frame.draw(&all_layers(&frame, &points)).into_string();
        prop_assert_eq!(draw(), draw());
    }

    #[test]
    fn ticks_lie_on_the_axis_and_rise((scale, unit) in any_scale(), most in 2_usize..14) {
        let ticks = Axis::new("", scale, unit).ticks(most);
        prop_assert!(ticks.len() <= most.max(2), "{}", ticks.len());
        for pair in ticks.windows(2) {
            prop_assert!(pair[0].place <= pair[1].place);
        }
        for tick in &ticks {
            prop_assert!((0.0..=1.0).contains(&tick.place));
            prop_assert!(!tick.label.is_empty() && !tick.label.contains("NaN"), "{tick:?}");
        }
    }

    #[test]
    fn a_scale_keeps_the_order((scale, _) in any_scale(), a in any_number(), b in any_number()) {
        prop_assume!(a <= b);
        prop_assert!(scale.place(a) <= scale.place(b));
    }
}

#[test]
fn ticks_are_round_and_say_their_unit() {
    assert_eq!(
        labels(Scale::linear(0.0, 1.0), Unit::Share, 6),
        ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    );
    assert_eq!(
        labels(Scale::linear(0.97, 1.0), Unit::Share, 4),
        ["97 %", "98 %", "99 %", "100 %"]
    );
    assert_eq!(
        labels(Scale::linear(0.0, 0.01), Unit::Share, 3),
        ["0.0 %", "0.5 %", "1.0 %"]
    );
    assert_eq!(
        labels(Scale::linear(0.0, 2500.0), Unit::Count, 4),
        ["0", "1,000", "2,000"]
    );
    assert_eq!(
        labels(Scale::linear(0.0, 3.0), Unit::Count, 9),
        ["0", "1", "2", "3"]
    );
    assert_eq!(
        labels(Scale::linear(0.0, 0.09), Unit::Seconds, 6),
        ["0", "20 ms", "40 ms", "60 ms", "80 ms"]
    );
    assert_eq!(
        labels(Scale::linear(0.0, 600.0), Unit::Seconds, 6),
        ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]
    );
    assert_eq!(
        labels(Scale::log(0.01, 100.0), Unit::Seconds, 6),
        ["10 ms", "100 ms", "1 s", "10 s", "1 min"]
    );
    assert_eq!(
        labels(Scale::log(0.1, 1.0), Unit::Seconds, 6),
        ["100 ms", "200 ms", "500 ms", "1 s"]
    );
    assert_eq!(
        labels(Scale::log(0.3, 0.4), Unit::Seconds, 6),
        ["300 ms", "400 ms"]
    );
}

#[test]
fn instants_read_by_what_they_differ_in() {
    let at = |text: &str| Moment::from_rfc3339(text).unwrap();
    let labels = |from, to, most| labels(Scale::time(at(from), at(to)), Unit::Instant, most);
    let day = ("2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z");
    assert_eq!(labels(day.0, day.1, 6), ["12:00", "18:00", "23 Nov", "06:00"]);
    assert_eq!(
        labels("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", 5),
        ["10:00", "10:15", "10:30", "10:45", "11:00"]
    );
    assert_eq!(
        labels("2026-11-22T10:00:00Z", "2026-11-22T10:00:20Z", 5),
        ["10:00:00", "10:00:05", "10:00:10", "10:00:15", "10:00:20"]
    );
    let month = labels("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 9);
    assert!(
        month
            .iter()
            .all(|label| label.ends_with("Nov") || label.ends_with("Dec")),
        "{month:?}"
    );
    assert_eq!(labels("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 9).len(), 6);
}

#[test]
fn a_duration_reads_as_people_say_it() {
    for (seconds, said) in [
        (0.0, "0"),
        (0.000_25, "250 µs"),
        (0.02, "20 ms"),
        (0.9996, "1 s"),
        (1.5, "1.5 s"),
        (60.0, "1 min"),
        (90.0, "90 s"),
        (120.0, "2 min"),
        (3600.0, "1 h"),
        (86_400.0, "1 d"),
        (172_800.0, "2 d"),
        (f64::INFINITY, "–"),
    ] {
        assert_eq!(duration(seconds), said, "{seconds}");
    }
}

#[test]
fn a_gap_is_a_gap() {
    let frame = frame(Scale::linear(0.0, 10.0), Unit::Count);
    let span = |from, to| Span {
        from,
        to,
        lo: 0.25,
        hi: 0.75,
    };
    let band = frame
        .draw(&[frame.band("route-0", &[span(0.0, 1.0), span(1.0, 2.0), span(5.0, 6.0)])])
        .into_string();
    assert!(
        band.contains("d=\"M0 30H100V30H200V90H100V90H0ZM500 30H600V90H500Z\""),
        "{band}"
    );
    let line = frame.draw(&[frame.line(
        "route-0",
        &[Some((0.0, 0.5)), None, Some((4.0, 0.5)), Some((5.0, 1.0))],
    )]);
    assert!(line.into_string().contains("d=\"M0 60h0M400 60L500 0\""));
}

#[test]
fn words_are_said_and_stay_words() {
    let y = Some(Axis::new("<y>", Scale::linear(0.0, 1.0), Unit::Share));
    let x = Axis::new("<x>", Scale::linear(0.0, 1.0), Unit::Count);
    let frame = Frame::new("a", "<title>", "\"said\" & <done>", 100.0, x, y);
    let svg = frame.draw(&[frame.mark("", 0.5, "<script>")]).into_string();
    assert!(
        svg.contains("role=\"img\" aria-labelledby=\"a-title a-said\""),
        "{svg}"
    );
    assert!(
        svg.contains("<title id=\"a-title\">&lt;title&gt;</title>"),
        "{svg}"
    );
    assert!(svg.contains("&amp; &lt;done&gt;</desc>"), "{svg}");
    assert!(
        !svg.contains("<script") && !svg.contains("<x>") && !svg.contains("<y>"),
        "{svg}"
    );
}

#[test]
fn marks_outside_of_the_axis_are_not_drawn() {
    let frame = frame(Scale::linear(0.0, 10.0), Unit::Count);
    for layer in [
        frame.mark("", 11.0, "late"),
        frame.mark("", f64::NAN, "none"),
        frame.region("", 20.0, 30.0, "no"),
    ] {
        let svg = frame.draw(&[layer]).into_string();
        assert!(!svg.contains("mark-line") && !svg.contains("region"), "{svg}");
    }
}

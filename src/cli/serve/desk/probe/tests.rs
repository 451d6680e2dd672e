use super::*;
use crate::report::course::CourseOf;
use crate::report::series::Source;
use crate::web::daemon::AskedRange;

const SECOND: i64 = 1_000_000_000;

fn ask(probe: &str) -> ProbeAsk {
    ProbeAsk {
        probe: probe.to_owned(),
        range: AskedRange::Last(Duration::from_hours(1)),
        routes: Vec::new(),
        inputs: Vec::new(),
    }
}

fn made(at: i64) -> Arc<ProbeData> {
    Arc::new(ProbeData {
        made: Moment(at * SECOND),
        source: Source::Runs,
        figures: None,
        course: CourseOf::new(Moment(0), Moment(SECOND)).finish(),
        limits: None,
        compared: None,
        causes: None,
        paths: None,
        steps: crate::report::steps::Steps::default(),
        looked_at: 0,
        most: 0,
        partial: false,
        bad: Vec::new(),
        marks: Vec::new(),
        maintenance: Vec::new(),
        notes: Vec::new(),
        definition: None,
    })
}

fn histories() -> Histories {
    let store: Arc<dyn Store> = Arc::new(crate::store::MemoryStore::new());
    Histories::new(store, Arc::new(crate::clock::SystemClock::start()))
}

#[test]
fn what_cost_more_is_kept_for_longer() {
    let kept = |cost| Kept {
        data: Some(made(100)),
        cost: Duration::from_millis(cost),
        ..Kept::default()
    };
    let is_new = |cost, second| kept(cost).is_new(Moment(second * SECOND), "");
    assert!(is_new(0, 100) && !is_new(0, 102));
    assert!(is_new(1_000, 119) && !is_new(1_000, 121));
    assert!(is_new(60_000, 219) && !is_new(60_000, 221));
    // By another definition it is not.
    assert!(!kept(1_000).is_new(Moment(101 * SECOND), "other"));
}

#[test]
fn how_old_figures_are_is_said_where_newer_ones_do_not_come() {
    let kept = Kept {
        data: Some(made(100)),
        making: true,
        ..Kept::default()
    };
    assert_eq!(kept.told(Moment(103 * SECOND)).stale, "");
    let late = kept.told(Moment(110 * SECOND)).stale;
    assert!(late.contains("busy") && late.contains("00:01:40"), "{late}");
    let failed = Kept {
        trouble: Some(String::from("disk full")),
        ..kept
    };
    let said = failed.told(Moment(103 * SECOND)).stale;
    assert!(said.contains("disk full") && said.contains("00:01:40"), "{said}");
    assert!(!failed.is_new(Moment(100 * SECOND), ""));
}

#[test]
fn no_more_windows_are_kept_than_the_bound() {
    let histories = histories();
    let inner = &histories.0;
    for n in 0..i64::try_from(KEPT).unwrap() {
        assert!(inner.want(&ask(&n.to_string()), "", Moment(n)));
        // While it is being made nobody else has to.
        assert!(!inner.want(&ask(&n.to_string()), "", Moment(n)));
    }
    // All are being made: there is no place.
    assert!(!inner.want(&ask("more"), "", Moment(99)));
    assert!(inner.told(&ask("more")).stale.contains("come again"));
    inner.shelf().values_mut().for_each(|kept| kept.making = false);
    assert!(inner.want(&ask("more"), "", Moment(99)));
    let shelf = inner.shelf();
    assert_eq!(shelf.len(), KEPT);
    assert!(
        !shelf.contains_key(&ask("0")),
        "the one that nobody asked for longest goes"
    );
}

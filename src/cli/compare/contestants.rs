//! Which routes and inputs are compared.

use super::super::fire::unknown;

/// The baseline, the routes against it, the inputs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contestants {
    pub(super) baseline: String,
    pub(super) routes: Vec<String>,
    pub(super) inputs: Vec<String>,
}

/// What of these routes and inputs of a probe is asked for. The first route is the baseline where none is named.
pub(super) fn choose(
    probe: &str,
    (routes, inputs): (&[String], &[String]),
    baseline: Option<&str>,
    asked: (&[String], &[String]),
    alone: bool,
) -> Result<Contestants, String> {
    let names = || routes.iter().map(String::as_str);
    for name in baseline.into_iter().chain(asked.0.iter().map(String::as_str)) {
        if !routes.iter().any(|known| known == name) {
            return Err(unknown("route", name, names()));
        }
    }
    for name in asked.1 {
        if !inputs.contains(name) {
            return Err(unknown("input", name, inputs.iter().map(String::as_str)));
        }
    }
    let wanted = |name: &String, among: &[String]| among.is_empty() || among.contains(name);
    let chosen = baseline
        .map(str::to_owned)
        .or_else(|| routes.iter().find(|route| wanted(route, asked.0)).cloned());
    let Some(baseline) = chosen else {
        return Err(format!("`{probe}` has no routes to compare"));
    };
    let others = routes
        .iter()
        .filter(|route| **route != baseline && wanted(route, asked.0));
    let others: Vec<String> = others.cloned().collect();
    if others.is_empty() {
        let hint = if alone {
            String::from("; a route against itself is what `--noise-arm` adds to a comparison")
        } else if routes.len() > 1 {
            format!("; there are: {}", names().collect::<Vec<_>>().join(", "))
        } else {
            String::new()
        };
        return Err(format!(
            "a comparison takes two routes, and of `{probe}` there is only `{baseline}`{hint}"
        ));
    }
    Ok(Contestants {
        baseline,
        routes: others,
        inputs: inputs
            .iter()
            .filter(|input| wanted(input, asked.1))
            .cloned()
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn chosen(
        routes: &[&str],
        baseline: Option<&str>,
        asked: &[&str],
    ) -> Result<(String, Vec<String>), String> {
        let found = choose(
            "p",
            (&all(routes), &all(&["default"])),
            baseline,
            (&all(asked), &[]),
            false,
        );
        found.map(|found| (found.baseline, found.routes))
    }

    #[test]
    fn the_first_route_is_the_baseline_where_none_is_named() {
        assert_eq!(
            chosen(&["a", "b", "c"], None, &[]),
            Ok(("a".into(), all(&["b", "c"])))
        );
        assert_eq!(
            chosen(&["a", "b", "c"], Some("b"), &[]),
            Ok(("b".into(), all(&["a", "c"])))
        );
        assert_eq!(
            chosen(&["a", "b", "c"], None, &["c", "b"]),
            Ok(("b".into(), all(&["c"])))
        );
        assert_eq!(
            chosen(&["a", "b", "c"], Some("a"), &["c"]),
            Ok(("a".into(), all(&["c"])))
        );
    }

    #[test]
    fn what_is_not_there_or_not_two_is_said() {
        assert!(
            chosen(&["alpha", "b"], Some("alpa"), &[])
                .unwrap_err()
                .contains("did you mean `alpha`?")
        );
        assert!(
            chosen(&["a"], None, &[])
                .unwrap_err()
                .contains("takes two routes, and of `p` there is only `a`")
        );
        assert!(
            chosen(&["a", "b"], Some("a"), &["a"])
                .unwrap_err()
                .contains("there are: a, b")
        );
        let none: &[String] = &[];
        let wrong = choose(
            "p",
            (&all(&["a", "b"]), &all(&["x"])),
            None,
            (none, &all(&["y"])),
            false,
        );
        assert!(wrong.unwrap_err().contains("no input `y`"));
    }
}

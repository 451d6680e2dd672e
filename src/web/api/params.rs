//! Parameters of paths and queries. What is unknown is refused, as in definitions.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::Problem;
use super::problem::FieldError;
use crate::model::{Class, Moment, RunId};
use crate::report::visible;
use crate::web::site::Shared;

/// A query has at most so many parameters.
const MOST: usize = 200;

/// The name in a path.
pub(super) struct Name(pub(super) String);

/// The run in a path.
pub(super) struct Run(pub(super) RunId);

/// What follows `?`, taken out piece by piece.
#[derive(Debug, Default)]
pub(in crate::web) struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

/// A query in which nothing may stand.
pub(super) struct NoQuery;

impl FromRequestParts<Shared> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self, Problem> {
        let Path(name) = Path::<String>::from_request_parts(parts, site)
            .await
            .map_err(|_| Problem::invalid(vec![FieldError::parameter("probe", "the name is not UTF-8")]))?;
        Ok(Self(name))
    }
}

impl FromRequestParts<Shared> for Run {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self, Problem> {
        let Ok(Path(text)) = Path::<String>::from_request_parts(parts, site).await else {
            return Err(Problem::invalid(vec![FieldError::parameter(
                "run",
                "the id is not UTF-8",
            )]));
        };
        text.parse().map(|id| Self(RunId(id))).map_err(|_| {
            let detail = format!("`{text}` is no id of a run: a UUID is expected");
            Problem::invalid(vec![FieldError::parameter("run", detail)])
        })
    }
}

impl FromRequestParts<Shared> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl FromRequestParts<Shared> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        Query::read(parts.uri.query().unwrap_or_default())?.finish(&[])?;
        Ok(Self)
    }
}

impl Query {
    /// Takes a query apart.
    pub(in crate::web) fn read(query: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .take(MOST + 1)
            .collect();
        if pairs.len() > MOST {
            return Err(Problem::malformed(format!(
                "the query has more than {MOST} parameters"
            )));
        }
        Ok(Self {
            pairs,
            errors: Vec::new(),
        })
    }

    /// Every value of a parameter that may be given several times.
    pub(in crate::web) fn all(&mut self, name: &str) -> Vec<String> {
        let (taken, rest) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(key, _)| key == name);
        self.pairs = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// The value of a parameter that may be given once.
    pub(in crate::web) fn one(&mut self, name: &str) -> Option<String> {
        let mut all = self.all(name);
        if all.len() > 1 {
            self.refuse(
                name,
                format!("`{name}` is given {} times, and once is enough", all.len()),
            );
        }
        all.pop()
    }

    /// The same, read as what it has to be.
    pub(in crate::web) fn read_one<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.one(name)?;
        let read = text.parse().ok();
        if read.is_none() {
            self.refuse(
                name,
                format!("`{text}` is no value of `{name}`: {expected} is expected"),
            );
        }
        read
    }

    /// A whole number within bounds, or what it is where it is left out.
    pub(in crate::web) fn number(&mut self, name: &str, default: u32, most: u32) -> u32 {
        let expected = format!("a whole number from 1 to {most}");
        match self.read_one::<u32>(name, &expected) {
            None => default,
            Some(n) if (1..=most).contains(&n) => n,
            Some(n) => {
                self.refuse(
                    name,
                    format!("`{n}` is no value of `{name}`: {expected} is expected"),
                );
                default
            }
        }
    }

    /// A point in time.
    pub(in crate::web) fn moment(&mut self, name: &str) -> Option<Moment> {
        let text = self.one(name)?;
        let read = Moment::from_rfc3339(&text);
        if read.is_none() {
            let expected = "RFC 3339, such as 2026-11-22T10:00:00Z (a `+` is written %2B)";
            self.refuse(
                name,
                format!("`{text}` is no value of `{name}`: {expected} is expected"),
            );
        }
        read
    }

    /// Classes by their words.
    pub(in crate::web) fn classes(&mut self, name: &str) -> Vec<Class> {
        let mut classes = Vec::new();
        for text in self.all(name) {
            match Class::from_word(&text) {
                Some(class) => classes.push(class),
                None => {
                    let words: Vec<&str> = Class::ALL.iter().map(|c| c.word()).collect();
                    let words = words.join(", ");
                    self.refuse(name, format!("`{text}` is no class: one of {words} is expected"));
                }
            }
        }
        classes
    }

    /// Labels written `key=value`.
    pub(in crate::web) fn labels(&mut self, name: &str) -> Vec<(String, String)> {
        let mut labels = Vec::new();
        for text in self.all(name) {
            match text.split_once('=') {
                Some((key, value)) if !key.is_empty() => labels.push((key.to_owned(), value.to_owned())),
                _ => self.refuse(name, format!("`{text}` is no label: `key=value` is expected")),
            }
        }
        labels
    }

    /// The same without what is left empty: a form sends all its fields.
    pub(in crate::web) fn of_form(query: &str) -> Result<Self, Problem> {
        let mut read = Self::read(query)?;
        read.pairs.retain(|(_, value)| !value.is_empty());
        // A field of a form would show it as it is not.
        for (name, value) in read.pairs.clone() {
            if visible(&value) != value {
                let shown = format!("the value of `{name}` holds characters that cannot be seen");
                read.refuse(&name, shown);
            }
        }
        Ok(read)
    }

    /// Says what is wrong with a parameter.
    pub(in crate::web) fn refuse(&mut self, name: &str, detail: String) {
        self.errors.push(FieldError::parameter(name, detail));
    }

    /// Everything that was wrong at once; what was not taken is unknown.
    pub(in crate::web) fn finish(mut self, known: &[&str]) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let detail = if known.is_empty() {
                format!("there is no parameter `{name}` here, nor any other")
            } else {
                format!(
                    "there is no parameter `{name}` here; there are: {}",
                    known.join(", ")
                )
            };
            self.refuse(&name, detail);
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::read(text).unwrap_or_default()
    }

    #[test]
    fn what_fits_is_taken() {
        let mut q =
            query("class=lost&class=late&label=team%3Dpay&limit=7&since=2026-11-22T10%3A00%3A00%2B01%3A00");
        assert_eq!(q.classes("class"), [Class::Lost, Class::Late]);
        assert_eq!(q.labels("label"), [(String::from("team"), String::from("pay"))]);
        assert_eq!(q.number("limit", 50, 500), 7);
        assert_eq!(
            q.moment("since").unwrap().to_rfc3339(),
            "2026-11-22T09:00:00.000Z"
        );
        assert!(q.finish(&[]).is_ok());
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let mut q = query("class=gone&limit=0&limit=9&since=now&label=x&more=1");
        drop((
            q.classes("class"),
            q.number("limit", 50, 500),
            q.moment("since"),
            q.labels("label"),
        ));
        let said = format!("{:?}", q.finish(&["class"]).unwrap_err());
        for part in ["`gone`", "2 times", "`now`", "`x`", "`more`", "there are: class"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn a_query_has_a_bound() {
        assert!(Query::read(&"a&".repeat(200)).is_ok());
        assert!(Query::read(&"a&".repeat(201)).is_err());
    }
}

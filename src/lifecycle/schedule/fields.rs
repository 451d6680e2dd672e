//! The fields of a cron expression, as POSIX and cron of Vixie have them.

use std::collections::BTreeSet;

/// What one field may say.
pub(super) struct Kind {
    pub(super) name: &'static str,
    first: u32,
    last: u32,
    /// Names of the values from `first` on.
    names: &'static [&'static str],
}

pub(super) const SECOND: Kind = Kind {
    name: "second",
    first: 0,
    last: 59,
    names: &[],
};
pub(super) const MINUTE: Kind = Kind {
    name: "minute",
    first: 0,
    last: 59,
    names: &[],
};
pub(super) const HOUR: Kind = Kind {
    name: "hour",
    first: 0,
    last: 23,
    names: &[],
};
pub(super) const DAY: Kind = Kind {
    name: "day of month",
    first: 1,
    last: 31,
    names: &[],
};
pub(super) const MONTH: Kind = Kind {
    name: "month",
    first: 1,
    last: 12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
/// 7 is Sunday too.
pub(super) const WEEKDAY: Kind = Kind {
    name: "day of week",
    first: 0,
    last: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// One field, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The values it names.
    pub(super) values: BTreeSet<u32>,
    /// Whether it begins with `*`, and so does not restrict the day.
    pub(super) star: bool,
}

impl Kind {
    /// Reads a field: a list of values, ranges and `*`, each with a step.
    pub(super) fn read(&self, text: &str) -> Result<Field, String> {
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            self.read_part(part, text, &mut values)?;
        }
        if self.last == 7 && values.remove(&7) {
            values.insert(0);
        }
        Ok(Field {
            values,
            star: text.starts_with('*'),
        })
    }

    fn read_part(&self, part: &str, field: &str, values: &mut BTreeSet<u32>) -> Result<(), String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, self.step(step, field)?),
            None => (part, 1),
        };
        let (from, to) = if range == "*" {
            (self.first, self.end())
        } else if let Some((from, to)) = range.split_once('-') {
            (self.value(from, field)?, self.value(to, field)?)
        } else {
            let from = self.value(range, field)?;
            (from, if part.contains('/') { self.end() } else { from })
        };
        if from <= to {
            values.extend((from..=to).step_by(step as usize));
            return Ok(());
        }
        if self.last != 7 {
            return Err(self.wrong(field, &format!("the range `{range}` runs backwards")));
        }
        // FRI-MON goes over the end of the week.
        values.extend((from..=to + 7).step_by(step as usize).map(|day| day % 7));
        Ok(())
    }

    /// The last value that is not another's second name.
    const fn end(&self) -> u32 {
        if self.last == 7 { 6 } else { self.last }
    }

    fn step(&self, text: &str, field: &str) -> Result<u32, String> {
        match text.parse() {
            Ok(step @ 1..=1000) => Ok(step),
            _ => Err(self.wrong(field, &format!("the step `{text}` is no number from 1"))),
        }
    }

    fn value(&self, text: &str, field: &str) -> Result<u32, String> {
        let lower = text.to_ascii_lowercase();
        if let Some(place) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.first + u32::try_from(place).unwrap_or(0));
        }
        let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(value) if digits && (self.first..=self.last).contains(&value) => Ok(value),
            _ => Err(self.wrong(field, &format!("`{text}` is not among them"))),
        }
    }

    fn wrong(&self, field: &str, why: &str) -> String {
        let names = match self.names {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!(
            "the {} field `{field}`: {why}; expected {} to {}{names}, as values, ranges a-b, lists a,b or steps */n",
            self.name, self.first, self.last
        )
    }
}

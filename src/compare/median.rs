//! The median of what has come so far.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The median of numbers of 0 or more that come one by one, at logarithmic cost. What never arrived is infinite.
#[derive(Clone, Debug, Default)]
pub(super) struct Median {
    /// The lower half, by the bits of its numbers: those of 0 or more are in the order of their bits.
    lower: BinaryHeap<u64>,
    upper: BinaryHeap<Reverse<u64>>,
}

impl Median {
    /// Takes in one more. `None` is one that never came; what is no number of 0 or more is taken as 0.
    pub(super) fn add(&mut self, value: Option<f64>) {
        // `max` gives 0 for a NaN, and adding 0 makes of -0 a 0.
        let bits = (value.unwrap_or(f64::INFINITY).max(0.0) + 0.0).to_bits();
        if self.lower.peek().is_none_or(|top| bits <= *top) {
            self.lower.push(bits);
        } else {
            self.upper.push(Reverse(bits));
        }
        // The lower half has the one in the middle.
        if self.lower.len() > self.upper.len() + 1 {
            self.upper.extend(self.lower.pop().map(Reverse));
        } else if self.lower.len() < self.upper.len() {
            self.lower.extend(self.upper.pop().map(|Reverse(bits)| bits));
        }
    }

    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.lower.is_empty()
    }

    /// The type-1 median, the ceil(n/2)-th; `None` where nothing has come, or where that one never came.
    pub(super) fn value(&self) -> Option<f64> {
        let value = f64::from_bits(*self.lower.peek()?);
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_one_in_the_middle(values in prop::collection::vec(prop::option::weighted(0.8, 0.0..100.0_f64), 0..40)) {
            let mut median = Median::default();
            for n in 0..values.len() {
                median.add(values[n]);
                let mut sorted: Vec<f64> = values[..=n].iter().map(|v| v.unwrap_or(f64::INFINITY)).collect();
                sorted.sort_by(f64::total_cmp);
                let middle = sorted[sorted.len().div_ceil(2) - 1];
                prop_assert_eq!(median.value(), middle.is_finite().then_some(middle));
            }
            prop_assert_eq!(median.is_empty(), values.is_empty());
        }
    }
}

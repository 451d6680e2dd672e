//! The same times as a native histogram of Prometheus: sparse buckets of which each is a fixed share wider than the one
//! before, so that a quantile is as exact at a millisecond as at an hour.

/// Each doubling has 2^3 buckets, so a bucket is 9 % wider than the one before.
pub(super) const SCHEMA: i32 = 3;
/// Times of up to a microsecond are zero: no clock here tells them apart. A power of two, as a bucket's bound is.
pub(super) const ZERO_THRESHOLD: f64 = 1.0 / 1_048_576.0;

/// The lower bounds of the buckets between a half and one.
const SHARES: [f64; 1 << SCHEMA] = [
    0.5,
    0.545_253_866_332_628_8,
    0.594_603_557_501_360_5,
    0.648_419_777_325_504_8,
    0.707_106_781_186_547_5,
    0.771_105_412_703_970_4,
    0.840_896_415_253_714_5,
    0.917_004_043_204_671_2,
];

/// Counts of buckets that are not empty. Seconds of a run lie between the threshold and the longest wait that a
/// definition allows, which bounds them: eight for each doubling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sparse {
    /// Times that are zero.
    pub(super) zero: u64,
    /// By index; bucket i is `2^((i-1)/8) < seconds <= 2^(i/8)`.
    buckets: Vec<(i32, u64)>,
}

/// Buckets that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Of the first the index, of others the buckets left out since the span before.
    pub(super) offset: i32,
    pub(super) length: u32,
}

impl Sparse {
    pub(super) fn add(&mut self, seconds: f64) {
        if seconds.is_nan() || seconds <= ZERO_THRESHOLD {
            self.zero += 1;
            return;
        }
        let index = index(seconds.min(f64::MAX));
        match self.buckets.binary_search_by_key(&index, |(at, _)| *at) {
            Ok(place) => self.buckets[place].1 += 1,
            Err(place) => self.buckets.insert(place, (index, 1)),
        }
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut next = 0;
        for (index, _) in &self.buckets {
            match spans.last_mut() {
                Some(span) if *index == next => span.length += 1,
                _ => spans.push(Span {
                    offset: index - next,
                    length: 1,
                }),
            }
            next = index + 1;
        }
        spans
    }

    /// The first count, and by how much each differs from the one before.
    pub(super) fn deltas(&self) -> Vec<i64> {
        let counts = self.buckets.iter().map(|(_, n)| n.cast_signed());
        let before = std::iter::once(0).chain(counts.clone());
        counts.zip(before).map(|(count, before)| count - before).collect()
    }
}

/// Of a positive, normal, finite number.
fn index(seconds: f64) -> i32 {
    const SHARE_BITS: u64 = (1 << 52) - 1;
    let bits = seconds.to_bits();
    // seconds = share * 2^exponent, with a share from a half up to one.
    let share = f64::from_bits((bits & SHARE_BITS) | (1022 << 52));
    // Eleven bits, and at most eight: both fit.
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) - 1022;
    let below = i32::try_from(SHARES.partition_point(|bound| *bound < share)).unwrap_or(0);
    below + ((exponent - 1) << SCHEMA)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The upper bound of a bucket: a share, scaled by a power of two, and so exact.
    fn upper(index: i32) -> f64 {
        let share = SHARES[usize::try_from(index.rem_euclid(8)).unwrap()];
        share * 2.0_f64.powi(index.div_euclid(8) + 1)
    }

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        for at in -159..=200 {
            let bound = upper(at);
            assert!(
                (bound.log2() - f64::from(at) / 8.0).abs() < 1e-12,
                "{at}: {bound}"
            );
            assert_eq!(index(bound), at, "{bound}");
            assert_eq!(index(bound.next_down()), at, "below {bound}");
            assert_eq!(index(bound.next_up()), at + 1, "above {bound}");
        }
        assert_eq!(index(1.0), 0);
        assert_eq!(index(f64::MAX), 8 * 1024);
    }

    #[test]
    fn what_no_clock_tells_from_nothing_is_zero() {
        let mut sparse = Sparse::default();
        for seconds in [0.0, ZERO_THRESHOLD, f64::NAN] {
            sparse.add(seconds);
        }
        assert_eq!((sparse.zero, sparse.spans()), (3, Vec::new()));
        sparse.add(ZERO_THRESHOLD.next_up());
        assert_eq!(sparse.zero, 3);
        let first = Span {
            offset: -159,
            length: 1,
        };
        assert_eq!(sparse.spans(), [first], "the bucket above 2^-20");
        sparse.add(f64::INFINITY);
        assert_eq!(sparse.spans().len(), 2);
    }

    #[test]
    fn buckets_that_follow_each_other_are_one_span() {
        let mut sparse = Sparse::default();
        for seconds in [1.0, 1.0, 0.95, 1.05, 3600.0, 0.002] {
            sparse.add(seconds);
        }
        let span = |offset, length| Span { offset, length };
        assert_eq!(sparse.buckets, [(-71, 1), (0, 3), (1, 1), (95, 1)]);
        assert_eq!(sparse.spans(), [span(-71, 1), span(70, 2), span(93, 1)]);
        assert_eq!(sparse.deltas(), [1, 2, -2, 0]);
        let told: u32 = sparse.spans().iter().map(|span| span.length).sum();
        assert_eq!(told as usize, sparse.deltas().len());
    }
}

//! In which order the routes of a tick start.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

/// The order in which `routes` routes start at a tick, as places in their list. The same seed and tick give the same
/// order (ChaCha8, one stream a tick), so that no route is always the first.
#[must_use]
pub fn arrangement(seed: u64, tick: u64, routes: usize) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(tick);
    let mut order: Vec<usize> = (0..routes).collect();
    order.shuffle(&mut random);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_comes_about_as_often_and_the_same_for_the_same_seed() {
        let mut first = [0; 3];
        for tick in 0..3_000 {
            let order = arrangement(7, tick, 3);
            assert_eq!(order, arrangement(7, tick, 3));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            first[order[0]] += 1;
        }
        // Within four standard errors of a third.
        assert!(first.iter().all(|n| (900..1_100).contains(n)), "{first:?}");
        assert!((0..20).any(|tick| arrangement(1, tick, 3) != arrangement(2, tick, 3)));
    }
}

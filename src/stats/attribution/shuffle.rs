//! Shuffling labels, 256 times at once: a bit a shuffle, counted by bit-wise adders.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::column::Column;
use crate::stats::special::ln_chi2_tail;

/// Shuffles that are counted together.
pub(super) const LANES: usize = 256;
/// A bit for each of them.
type Lanes = [u64; LANES / 64];

/// Which runs may exchange their labels, and where each shuffle's labels are.
pub(super) struct Shuffler {
    /// The runs, those that may exchange labels in a row.
    rows: Vec<u32>,
    /// Of each such row of runs its end, and how many in it are marked.
    blocks: Vec<(usize, usize)>,
    /// Which shuffles mark each run.
    marks: Vec<Lanes>,
}

impl Shuffler {
    /// Labels `marked` that are shuffled among runs of the same block.
    pub(super) fn new(marked: &[bool], blocks: &[u32]) -> Self {
        let mut rows: Vec<u32> = (0..marked.len() as u32).collect();
        rows.sort_by_key(|row| blocks[*row as usize]);
        let mut ends = Vec::new();
        let mut end = 0;
        for block in rows.chunk_by(|a, b| blocks[*a as usize] == blocks[*b as usize]) {
            end += block.len();
            ends.push((end, block.iter().filter(|row| marked[**row as usize]).count()));
        }
        Self {
            rows,
            blocks: ends,
            marks: vec![Lanes::default(); marked.len()],
        }
    }

    /// Draws new shuffles, so many of the [`LANES`].
    pub(super) fn draw(&mut self, lanes: usize, random: &mut ChaCha8Rng) {
        self.marks.fill(Lanes::default());
        for lane in 0..lanes {
            let (word, bit) = (lane / 64, 1_u64 << (lane % 64));
            let mut start = 0;
            for (end, marked) in &self.blocks {
                let block = &mut self.rows[start..*end];
                start = *end;
                // Chosen are whichever are fewer, the marked or the others.
                let fewer = (*marked).min(block.len() - marked);
                for place in 0..fewer {
                    let other = random.random_range(place as u32..block.len() as u32);
                    block.swap(place, other as usize);
                }
                let (chosen, others) = block.split_at(fewer);
                let to_mark = if fewer == *marked { chosen } else { others };
                for row in to_mark {
                    self.marks[*row as usize][word] |= bit;
                }
            }
        }
    }
}

/// An attribute within strata: which runs share a value and a stratum, and what its score is made of.
pub(super) struct Scorer {
    /// The runs, those of a cell in a row.
    rows: Vec<u32>,
    /// Where each cell ends.
    ends: Vec<usize>,
    /// What the score has of the margins, which no shuffle changes.
    margins: f64,
    /// The degrees of freedom.
    pub(super) df: u64,
}

/// n ln n for every count up to the number of runs.
pub(super) struct Entropies(Vec<f64>);

impl Entropies {
    pub(super) fn new(runs: usize) -> Self {
        let each = (0..=runs).map(|n| if n == 0 { 0.0 } else { n as f64 * (n as f64).ln() });
        Self(each.collect())
    }

    fn split(&self, marked: usize, size: usize) -> f64 {
        self.0[marked] + self.0[size - marked]
    }
}

impl Scorer {
    pub(super) fn new(column: &Column, strata: &[u32], marked: &[bool], entropies: &Entropies) -> Self {
        let mut rows: Vec<u32> = (0..marked.len() as u32).collect();
        let key = |row: &u32| (strata[*row as usize], column.codes[*row as usize]);
        rows.sort_by_key(key);
        let (mut ends, mut end, mut margins, mut df) = (Vec::new(), 0, 0.0, 0);
        for stratum in rows.chunk_by(|a, b| key(a).0 == key(b).0) {
            let bad = stratum.iter().filter(|row| marked[**row as usize]).count();
            margins += entropies.0[stratum.len()] - entropies.split(bad, stratum.len());
            let before = ends.len();
            for cell in stratum.chunk_by(|a, b| key(a).1 == key(b).1) {
                end += cell.len();
                ends.push(end);
                margins -= entropies.0[cell.len()];
            }
            if bad > 0 && bad < stratum.len() {
                df += ends.len() - before - 1;
            }
        }
        Self {
            rows,
            ends,
            margins,
            df: df as u64,
        }
    }

    /// G of the labels as they are: the sum over strata of 2 Σ O ln(O/E).
    pub(super) fn observed(&self, marked: &[bool], entropies: &Entropies) -> f64 {
        let mut start = 0;
        let mut total = self.margins;
        for end in &self.ends {
            let cell = &self.rows[start..*end];
            let bad = cell.iter().filter(|row| marked[**row as usize]).count();
            total += entropies.split(bad, cell.len());
            start = *end;
        }
        (2.0 * total).max(0.0)
    }

    /// The logarithm of the chi-square tail of each shuffle's G, kept in `least` where it is the least so far.
    pub(super) fn score(&self, shuffled: &Shuffler, entropies: &Entropies, least: &mut [f64]) {
        if self.df == 0 {
            return;
        }
        let mut totals = [self.margins; LANES];
        let mut start = 0;
        for end in &self.ends {
            let cell = &self.rows[start..*end];
            let planes = count(&shuffled.marks, cell);
            for (lane, total) in totals.iter_mut().enumerate().take(least.len()) {
                *total += entropies.split(of_lane(&planes, lane), cell.len());
            }
            start = *end;
        }
        for (least, total) in least.iter_mut().zip(totals) {
            *least = least.min(self.ln_p(2.0 * total));
        }
    }

    /// The logarithm of the chi-square tail beyond a G.
    pub(super) fn ln_p(&self, g: f64) -> f64 {
        ln_chi2_tail(g, self.df as f64)
    }
}

/// How often each lane marks one of these runs, as binary digits: the lowest first.
fn count(marks: &[Lanes], rows: &[u32]) -> Vec<Lanes> {
    let digits = (usize::BITS - rows.len().leading_zeros()) as usize;
    let mut planes = vec![Lanes::default(); digits.max(4)];
    let (eights, rest) = rows.as_chunks::<8>();
    for eight in eights {
        let of = |place: usize| marks[eight[place] as usize];
        let (a, twos_a) = add(planes[0], of(0), of(1));
        let (b, twos_b) = add(a, of(2), of(3));
        let (c, twos_c) = add(b, of(4), of(5));
        let (ones, twos_d) = add(c, of(6), of(7));
        let (twos, fours_a) = add(planes[1], twos_a, twos_b);
        let (twos, fours_b) = add(twos, twos_c, twos_d);
        let (fours, carry) = add(planes[2], fours_a, fours_b);
        (planes[0], planes[1], planes[2]) = (ones, twos, fours);
        ripple(&mut planes[3..], carry);
    }
    for row in rest {
        ripple(&mut planes, marks[*row as usize]);
    }
    planes
}

/// The sum and the carry of three digits, for all lanes.
fn add(a: Lanes, b: Lanes, c: Lanes) -> (Lanes, Lanes) {
    let either: Lanes = std::array::from_fn(|i| a[i] ^ b[i]);
    (
        std::array::from_fn(|i| either[i] ^ c[i]),
        std::array::from_fn(|i| (a[i] & b[i]) | (either[i] & c[i])),
    )
}

/// Adds one digit to a number, for all lanes.
fn ripple(planes: &mut [Lanes], mut carry: Lanes) {
    for plane in planes {
        let next: Lanes = std::array::from_fn(|i| plane[i] & carry[i]);
        *plane = std::array::from_fn(|i| plane[i] ^ carry[i]);
        carry = next;
        if carry == Lanes::default() {
            return;
        }
    }
}

fn of_lane(planes: &[Lanes], lane: usize) -> usize {
    let (word, bit) = (lane / 64, lane % 64);
    let digits = planes.iter().enumerate();
    digits
        .map(|(place, plane)| ((plane[word] >> bit & 1) as usize) << place)
        .sum()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn each_shuffle_keeps_the_marks_of_each_block() {
        let marked: Vec<bool> = (0..90).map(|i| i % 7 == 0 || i > 70).collect();
        let blocks: Vec<u32> = (0..90).map(|i| i % 4).collect();
        let mut shuffler = Shuffler::new(&marked, &blocks);
        let mut random = ChaCha8Rng::seed_from_u64(5);
        shuffler.draw(LANES, &mut random);
        for block in 0..4 {
            let rows: Vec<u32> = (0..90).filter(|row| row % 4 == block).collect();
            let own = rows.iter().filter(|row| marked[**row as usize]).count();
            let planes = count(&shuffler.marks, &rows);
            for lane in 0..LANES {
                assert_eq!(of_lane(&planes, lane), own);
                let (word, bit) = (lane / 64, lane % 64);
                let one_by_one = rows
                    .iter()
                    .filter(|row| shuffler.marks[**row as usize][word] >> bit & 1 == 1);
                assert_eq!(one_by_one.count(), own);
            }
        }
    }

    #[test]
    fn adders_count_what_counting_counts() {
        let mut random = ChaCha8Rng::seed_from_u64(6);
        let marks: Vec<Lanes> = (0..300)
            .map(|_| std::array::from_fn(|_| random.random()))
            .collect();
        for size in [1, 7, 8, 9, 64, 255, 300] {
            let rows: Vec<u32> = (0..size).collect();
            let planes = count(&marks, &rows);
            for lane in [0, 1, 63, 64, 255] {
                let set = rows
                    .iter()
                    .filter(|row| marks[**row as usize][lane / 64] >> (lane % 64) & 1 == 1);
                assert_eq!(of_lane(&planes, lane), set.count());
            }
        }
    }
}

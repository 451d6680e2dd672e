//! HdrHistogram's V2 bytes read into the few buckets that hold anything: the array of all 23,552 is never made, which
//! over the hours of a year takes most of the time.
//!
//! The format is that of HdrHistogram's `AbstractHistogram.encodeIntoCompressedByteBuffer`: a cookie and a length, then,
//! deflated with zlib's framing, a header of 40 bytes and the counts in ZigZag LEB128, in which a negative number is a
//! run of so many empty buckets.

use std::collections::BTreeMap;

use flate2::{Decompress, FlushDecompress, Status};

/// What stands first: compressed V2, then V2.
const COMPRESSED: u32 = 0x1c84_9304 | 0x10;
const PLAIN: u32 = 0x1c84_9303 | 0x10;
const HEADER: usize = 40;
/// The places of all buckets at most: none is told in more than nine bytes.
const MOST_BYTES: usize = HEADER + 23_552 * 9;
/// Buckets of one power of two: three digits take eleven bits, the first of which is always set.
const HALF: usize = 1_024;

/// The counts by the highest value of their bucket. `None` where the bytes are not of a histogram with these bounds and
/// digits: such a one is read the long way.
pub(super) fn read(bytes: &[u8], lowest: u64, highest: u64, digits: u8) -> Option<BTreeMap<u64, u64>> {
    let (cookie, rest) = word(bytes)?;
    let (length, rest) = word(rest)?;
    if cookie != COMPRESSED {
        return None;
    }
    let plain = inflated(rest.get(..length as usize)?)?;
    let (cookie, rest) = word(&plain)?;
    let (length, rest) = word(rest)?;
    let (offset, rest) = word(rest)?;
    let (its_digits, rest) = word(rest)?;
    let (its_lowest, rest) = long(rest)?;
    let (its_highest, _ratio) = long(rest)?;
    let ours = (its_lowest, its_highest, its_digits) == (lowest, highest, u32::from(digits));
    if cookie != PLAIN || offset != 0 || !ours {
        return None;
    }
    let counts = plain.get(HEADER..)?.get(..length as usize)?;
    collected(counts)
}

fn collected(mut counts: &[u8]) -> Option<BTreeMap<u64, u64>> {
    let mut found = Vec::new();
    let mut place = 0_usize;
    while !counts.is_empty() {
        let (number, rest) = varint(counts)?;
        counts = rest;
        let count = (number >> 1).cast_signed() ^ -((number & 1).cast_signed());
        if count < 0 {
            place = place.checked_add(usize::try_from(count.unsigned_abs()).ok()?)?;
            continue;
        }
        if count > 0 {
            found.push((highest_of(place)?, count.unsigned_abs()));
        }
        place = place.checked_add(1)?;
    }
    Some(found.into_iter().collect())
}

/// The highest value of the bucket at a place.
fn highest_of(place: usize) -> Option<u64> {
    let (power, within) = match place.checked_sub(2 * HALF) {
        None => (0, place),
        Some(_) => (place / HALF - 1, place % HALF + HALF),
    };
    let power = u32::try_from(power).ok().filter(|power| *power < 50)?;
    let lowest = u64::try_from(within).ok()? << power;
    Some(lowest + (1 << power) - 1)
}

fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(2_048);
    let mut inflate = Decompress::new(true);
    loop {
        let read = usize::try_from(inflate.total_in()).ok()?;
        let status = inflate
            .decompress_vec(bytes.get(read..)?, &mut out, FlushDecompress::Finish)
            .ok()?;
        if status == Status::StreamEnd {
            return Some(out);
        }
        // Not at its end, and there is room: the bytes were cut off.
        if out.len() < out.capacity() || out.capacity() >= MOST_BYTES {
            return None;
        }
        out.reserve(out.capacity());
    }
}

/// LEB128 whose ninth byte is whole.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        let bits = if at == 8 { *byte } else { *byte & 0x7f };
        number |= u64::from(bits) << (7 * at);
        if at == 8 || byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*word), rest))
}

fn long(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (long, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*long), rest))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: (u64, u64, u8) = (1, 3_600_000_000, 3);

    fn bytes(values: &[(u64, u64)]) -> (Vec<u8>, Histogram<u64>) {
        let mut histogram = Histogram::new_with_bounds(BOUNDS.0, BOUNDS.1, BOUNDS.2).unwrap();
        for (value, count) in values {
            histogram.saturating_record_n(*value, *count);
        }
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&histogram, &mut bytes)
            .unwrap();
        (bytes, histogram)
    }

    proptest! {
        #[test]
        fn it_reads_what_hdrhistogram_writes(values in prop::collection::vec((0..3_600_000_000_u64, 1..1_000_000_000_000_u64), 0..200)) {
            let (bytes, histogram) = bytes(&values);
            let expected: BTreeMap<u64, u64> = histogram
                .iter_recorded()
                .map(|step| (histogram.highest_equivalent(step.value_iterated_to()), step.count_at_value()))
                .collect();
            prop_assert_eq!(read(&bytes, BOUNDS.0, BOUNDS.1, BOUNDS.2), Some(expected));
        }

        #[test]
        fn no_bytes_make_it_panic(start in 0..60_usize, noise in prop::collection::vec(any::<u8>(), 0..60)) {
            let (mut bytes, _) = bytes(&[(7, 3), (3_000, 1)]);
            for (at, byte) in noise.into_iter().enumerate() {
                if let Some(place) = bytes.get_mut(start + at) {
                    *place = byte;
                }
            }
            drop(read(&bytes, BOUNDS.0, BOUNDS.1, BOUNDS.2));
            bytes.truncate(start);
            drop(read(&bytes, BOUNDS.0, BOUNDS.1, BOUNDS.2));
        }
    }

    #[test]
    fn one_of_other_bounds_is_read_the_long_way() {
        let (bytes, _) = bytes(&[(7, 3)]);
        assert_eq!(read(&bytes, 1, 1_000, 3), None);
        assert_eq!(read(b"", BOUNDS.0, BOUNDS.1, BOUNDS.2), None);
    }
}

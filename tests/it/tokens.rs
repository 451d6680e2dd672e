//! Tokens: none of ours is missed, nothing foreign is taken for one.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use landfall::model::{Token, TokenFormat, TokenKey, scan_text, scan_value};
use proptest::prelude::*;
use rand::{RngCore as _, SeedableRng as _};
use serde_json::json;

const FORMATS: [TokenFormat; 3] = [TokenFormat::Text, TokenFormat::Uuid, TokenFormat::Digits];
const ALPHABET: &str = "23456789abcdefghjkmnpqrstuvwxyz";

fn key() -> TokenKey {
    TokenKey::new([42; 32])
}

fn issue(format: TokenFormat, seed: u64) -> Token {
    let mut random = [0; 32];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut random);
    key().issue(format, random)
}

/// A small generator for choices inside one encoding.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

type Encoding = (&'static str, fn(&str, &mut Dice) -> String);

const ENCODINGS: [Encoding; 13] = [
    ("as it is", |text, _| text.to_owned()),
    ("upper case", |text, _| text.to_uppercase()),
    ("percent, all", |text, _| each(text, |c, out| hex('%', c, out))),
    ("percent, some", |text, dice| {
        each(text, |c, out| match dice.below(3) {
            0 => hex('%', c, out),
            _ if c == '%' => out.push_str("%25"),
            _ => out.push(c),
        })
    }),
    ("quoted-printable", |text, dice| {
        each(text, |c, out| {
            match dice.below(6) {
                0 => out.push_str("=\r\n"),
                1 => out.push_str("=\n"),
                2 => out.push_str("= \t\r\n"),
                _ => {}
            }
            if c == '=' || c.is_control() || !c.is_ascii() || dice.below(4) == 0 {
                hex('=', c, out);
            } else {
                out.push(c);
            }
        })
    }),
    ("base64", |text, dice| STANDARD.encode(&(padding(dice) + text))),
    ("base64, URL-safe, after a path", |text, dice| {
        format!(
            "/{}/{}",
            "p".repeat(dice.below(4)),
            URL_SAFE_NO_PAD.encode(padding(dice) + text)
        )
    }),
    ("base64, wrapped", |text, dice| {
        let encoded = STANDARD.encode(padding(dice) + text);
        let width = 8 + dice.below(70);
        let lines: Vec<&str> = encoded
            .as_bytes()
            .chunks(width)
            .map(|c| std::str::from_utf8(c).unwrap())
            .collect();
        lines.join(["\r\n", "\n", "\r\n "][dice.below(3)])
    }),
    ("HTML entities", |text, dice| {
        each(text, |c, out| match dice.below(4) {
            0 => write!(out, "&#{};", u32::from(c)).unwrap(),
            1 => write!(out, "&#x{:X};", u32::from(c)).unwrap(),
            _ if c == '&' => out.push_str("&amp;"),
            _ if c == '<' => out.push_str("&lt;"),
            _ => out.push(c),
        })
    }),
    ("HTML tags", |text, dice| {
        each(text, |c, out| {
            match dice.below(8) {
                0 => out.push_str("<wbr>"),
                1 => out.push_str("</span><span class=\"x y\">"),
                2 => out.push_str("&shy;"),
                3 => out.push('\u{200b}'),
                _ => {}
            }
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                _ => out.push(c),
            }
        })
    }),
    ("JSON escapes", |text, dice| {
        each(text, |c, out| match c {
            '"' | '\\' => write!(out, "\\{c}").unwrap(),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '/' if dice.below(2) == 0 => out.push_str("\\/"),
            _ if dice.below(3) == 0 => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
            _ => out.push(c),
        })
    }),
    ("folded lines", |text, dice| {
        each(text, |c, out| {
            // A fold parts neither a line break nor a sequence of quoted-printable: it would be another text.
            let parted =
                out.chars().rev().take(2).any(|c| c == '=' || c.is_whitespace()) || c.is_whitespace();
            if dice.below(10) == 0 && !parted {
                out.push_str(["\r\n ", "\n\t", "\r\n   "][dice.below(3)]);
            }
            out.push(c);
        })
    }),
    ("a sentence", |text, _| {
        format!("Your order <{text}>, thanks: canary+{text}@example.com?r={text}&x=1")
    }),
];

fn each(text: &str, mut write: impl FnMut(char, &mut String)) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        write(c, &mut out);
        out
    })
}

/// Each byte of a character after a mark.
fn hex(mark: char, c: char, out: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        write!(out, "{mark}{byte:02X}").unwrap();
    }
}

fn padding(dice: &mut Dice) -> String {
    "{\"a\": 1}, ~~".chars().take(dice.below(12)).collect()
}

fn found(text: &str) -> Vec<Token> {
    scan_text(&key(), text)
}

/// Case is what base64 and upper-casing together destroy: nothing can be found then.
fn destroys(first: &str, second: &str) -> bool {
    second == "upper case" && first != "as it is" && first != "upper case" && first != "a sentence"
}

#[test]
fn every_encoding_and_every_two_are_seen_through() {
    let mut dice = Dice(1);
    for round in 0..12 {
        for format in FORMATS {
            let token = issue(format, round);
            for (first, encode) in ENCODINGS {
                let once = encode(token.as_str(), &mut dice);
                assert_eq!(found(&once), [token], "{first}: {once}");
                for (second, encode) in ENCODINGS {
                    if destroys(first, second) {
                        continue;
                    }
                    let twice = encode(&once, &mut dice);
                    assert_eq!(found(&twice), [token], "{first}, then {second}: {twice}");
                }
            }
        }
    }
}

#[test]
fn tokens_stand_anywhere() {
    let (a, b, c) = (
        issue(TokenFormat::Text, 1),
        issue(TokenFormat::Uuid, 2),
        issue(TokenFormat::Digits, 3),
    );
    let text = format!("x{a}z/{b}?ref=9{c}8&again={a}");
    assert_eq!(found(&text), [a, b, c]);
    assert_eq!(found(&b.as_str().replace('-', "")), [b]);
    assert_eq!(found(&format!("{{{}}}", b.as_str().to_uppercase())), [b]);
    assert_eq!(found(&format!("{a}{a}")), [a]);
    let value = json!({ "one": [{ "two": format!("<{a}>") }], b.as_str(): 7, "n": 12_345_678_901_234_567_890_u64, "deep": { "c": c } });
    assert_eq!(scan_value(&key(), &value), [b, a, c]);
    assert_eq!(scan_value(&key(), &json!(null)), []);
}

#[test]
fn a_changed_symbol_makes_it_foreign() {
    for format in FORMATS {
        let token = issue(format, 9);
        for place in 0..token.as_str().len() {
            let mut bytes = token.as_str().as_bytes().to_vec();
            bytes[place] = match bytes[place] {
                b'-' => continue,
                b'2' => b'3',
                _ => b'2',
            };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(key().verify(&changed), None, "{changed}");
            assert_eq!(found(&changed), [], "{changed}");
        }
        assert_eq!(scan_text(&TokenKey::new([43; 32]), token.as_str()), []);
        assert_eq!(key().verify(&token.as_str().to_uppercase()), Some(token));
    }
}

#[test]
fn foreign_texts_hold_no_token() {
    let mut rng = rand::rngs::StdRng::seed_from_u64(5);
    for _ in 0..300 {
        let mut bytes = [0; 256];
        rng.fill_bytes(&mut bytes);
        let symbols: String = bytes
            .iter()
            .take(60)
            .map(|b| char::from(ALPHABET.as_bytes()[usize::from(*b) % 31]))
            .collect();
        let digits: String = bytes.iter().take(60).map(|b| char::from(b'0' + b % 10)).collect();
        let uuid = uuid::Builder::from_random_bytes(bytes[..16].try_into().unwrap()).into_uuid();
        for text in [
            STANDARD.encode(bytes),
            symbols,
            digits,
            uuid.to_string(),
            String::from_utf8_lossy(&bytes).into_owned(),
        ] {
            assert_eq!(found(&text), [], "{text}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_around_a_token_hides_nothing(before in "\\PC{0,40}", after in "\\PC{0,40}", seed in any::<u64>(), which in 0..3_usize) {
        let token = issue(FORMATS[which], seed);
        let text = format!("{before} {token} {after}");
        prop_assert_eq!(found(&text), [token]);
    }

    #[test]
    fn two_encodings_hide_nothing(seed in any::<u64>(), which in 0..3_usize, first in 0..ENCODINGS.len(), second in 0..ENCODINGS.len()) {
        prop_assume!(!destroys(ENCODINGS[first].0, ENCODINGS[second].0));
        let token = issue(FORMATS[which], seed);
        let mut dice = Dice(seed);
        let once = ENCODINGS[first].1(token.as_str(), &mut dice);
        let twice = ENCODINGS[second].1(&once, &mut dice);
        prop_assert_eq!(found(&twice), [token], "{} then {}: {}", ENCODINGS[first].0, ENCODINGS[second].0, twice);
    }

    #[test]
    fn no_text_is_a_token_by_chance(text in "[ -~\\n\\r]{0,200}") {
        prop_assert_eq!(found(&text), []);
    }
}

#[test]
fn issued_tokens_are_unique_and_unbiased() {
    const TOKENS: u32 = 200_000;
    let mut rng = rand::rngs::StdRng::seed_from_u64(11);
    let mut seen = std::collections::HashSet::new();
    let mut counts = [[0_u32; 31]; 22];
    for _ in 0..TOKENS {
        let mut random = [0; 32];
        rng.fill_bytes(&mut random);
        let token = key().issue(TokenFormat::Text, random);
        for (place, symbol) in token.as_str().chars().enumerate() {
            counts[place][ALPHABET.find(symbol).unwrap()] += 1;
        }
        assert!(seen.insert(token), "{token} twice");
    }
    let expected = f64::from(TOKENS) / 31.0;
    for (place, counts) in counts.iter().enumerate() {
        let chi: f64 = counts
            .iter()
            .map(|n| (f64::from(*n) - expected).powi(2) / expected)
            .sum();
        // 30 degrees of freedom: passed by chance once in 10,000; the seed is fixed.
        assert!(chi < 66.0, "symbol {place}: chi-square {chi}");
    }
}

/// Texts made of marks, each of which could ask for work of its own. Landfall must come to their end, and still find
/// what stands there.
#[test]
fn hostile_texts_end_and_hide_nothing() {
    let token = issue(TokenFormat::Text, 77);
    for part in [
        "<a", "&#", "%25", "=\n", "\n", "\n ", "\\u", "<a>", "=3D", "&amp;", "%", "-", "AAAA", "\u{200b}",
        "4444-", "\r\n\t", "0",
    ] {
        let mut text = part.repeat((64 << 10) / part.len());
        write!(text, " {token} {}", STANDARD.encode(token.as_str())).unwrap();
        assert_eq!(found(&text), [token], "{part:?}");
    }
}

#[test]
fn address_parts_are_stable_distinct_and_no_tokens() {
    let parts: Vec<String> = (0..500).map(|i| key().derive(&format!("channel {i}"))).collect();
    assert_eq!(parts[7], key().derive("channel 7"));
    assert_ne!(parts[7], TokenKey::new([1; 32]).derive("channel 7"));
    let distinct: std::collections::HashSet<&String> = parts.iter().collect();
    assert_eq!(distinct.len(), parts.len());
    for part in &parts {
        assert_eq!(part.len(), 22);
        assert!(part.chars().all(|c| ALPHABET.contains(c)), "{part}");
        assert_eq!(found(part), []);
    }
}

#[test]
fn what_has_no_tokens_shape_is_no_token() {
    for text in [
        "",
        "x",
        "........................",
        "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        "0000000000000000000000",
        "-".repeat(36).as_str(),
    ] {
        assert_eq!(key().verify(text), None, "{text}");
    }
}

//! Definitions that mean harm, or that a tool has broken: a clear error each, soon, and no panic.

use std::fmt::Write as _;

use super::{folder, load_dir, said, write};

/// A file of this text in the place of `landfall.yaml`, and in the place of a probe.
fn both(text: &[u8], says: &str) {
    let dir = folder(&[("landfall.yaml", "")]);
    for name in ["landfall.yaml", "probes/one.yaml"] {
        write(dir.path(), "landfall.yaml", b"");
        write(dir.path(), name, text);
        let loaded = load_dir(dir.path());
        let said = loaded.problems.render(&loaded.sources, false);
        assert!(loaded.workspace.is_none());
        assert!(said.contains(says), "{name}: expected `{says}` in:\n{said}");
        assert!(said.len() < 100_000, "{} bytes were said", said.len());
        if name.starts_with("probes") {
            std::fs::remove_file(dir.path().join(name)).expect("removed");
        }
    }
}

#[test]
fn an_alias_bomb_names_its_limit() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let below = vec![format!("*a{}", n - 1); 10].join(", ");
        let _infallible = writeln!(bomb, "a{n}: &a{n} [{below}]");
    }
    both(bomb.as_bytes(), "limit of");
}

#[test]
fn a_file_of_ten_megabytes_is_not_read() {
    both(&vec![b'#'; 10 << 20], "larger than the limit of 1048576 bytes");
}

#[test]
fn twenty_thousand_brackets_name_their_limit() {
    both("[".repeat(20_000).as_bytes(), "limit of 48 levels");
    both("{a: ".repeat(20_000).as_bytes(), "limit of 48 levels");
    let mut block = String::new();
    for depth in 0..1_000 {
        let _infallible = writeln!(block, "{}a:", " ".repeat(depth));
    }
    both(block.as_bytes(), "limit of 48 levels");
}

#[test]
fn too_many_values_name_their_limit() {
    both(
        format!("a: [{}]", "1,".repeat(60_000)).as_bytes(),
        "limit of 50000",
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    both(b"name: \xff\xfe\n", "bytes that are not UTF-8");
    both(b"name: a\0b\n", "a NUL byte");
}

#[test]
fn recursive_aliases_are_refused() {
    both(b"a: &a [*a]\n", "error");
    both(b"a: &a { <<: *a }\n", "error");
}

#[test]
fn a_thousand_problems_are_cut_with_a_word() {
    let mut text = String::new();
    for n in 0..1_000 {
        let _infallible = writeln!(text, "nonsense{n}: 1");
    }
    both(text.as_bytes(), "more than 100 problems in this file");
}

#[test]
fn variables_cannot_refer_to_each_other() {
    let said = said(&[(
        "landfall.yaml",
        "vars: { a: \"{{ vars.b }}\", b: \"{{ vars.a }}\" }\n",
    )]);
    assert_eq!(said.matches("error[template-not-rendered]").count(), 2, "{said}");
}

#[test]
fn templates_that_never_end_are_refused_or_bounded() {
    let probe = |url: &str| {
        said(&[
            ("landfall.yaml", "channels: { hooks: { callback: {} } }\n"),
            (
                "probes/p.yaml",
                &format!("name: p\nrequest: {{ http: {{ url: '{url}' }} }}\noutcome: [{{ in: hooks }}]\n"),
            ),
        ])
    };
    for url in [
        "http://a.test/{% include \"x\" %}",
        "http://a.test/{{ __class__ }}",
        "http://a.test/{{ (( }}",
    ] {
        let said = probe(url);
        assert!(said.contains("error["), "{url}: {said}");
    }
}

#[test]
fn text_that_moves_a_cursor_is_escaped() {
    let said = said(&[(
        "landfall.yaml",
        "\"a\\e]52;c;x\\a\": 1\nb\u{202e}c: 2\nlong: \"x\u{9b}31m\"\n",
    )]);
    assert!(
        !said.contains('\u{1b}') && !said.contains('\u{202e}') && !said.contains('\u{9b}'),
        "{said:?}"
    );
}

#[test]
fn every_byte_that_is_cut_off_still_gets_an_answer() {
    let text = include_str!("../../cases/definitions/good/order-paid/probes/order-paid.yaml");
    let workspace = include_str!("../../cases/definitions/good/order-paid/landfall.yaml");
    let dir = folder(&[("landfall.yaml", workspace)]);
    for end in (0..text.len())
        .step_by(23)
        .filter(|at| text.is_char_boundary(*at))
    {
        write(dir.path(), "probes/p.yaml", &text.as_bytes()[..end]);
        let loaded = load_dir(dir.path());
        // It may load (whole keys are missing at the end) or not; what it may not is panic or stay silent.
        assert_eq!(
            loaded.workspace.is_none(),
            loaded.problems.has_errors(),
            "cut at {end}"
        );
    }
}

//! What is built is what is written down.

use super::text;

#[test]
fn versions_are_locked_sources_are_known_and_nothing_is_unsafe() {
    let lock = text("Cargo.lock".as_ref());
    let foreign: Vec<&str> = lock
        .lines()
        .filter(|line| {
            line.starts_with("source = ") && !line.contains("github.com/rust-lang/crates.io-index")
        })
        .collect();
    assert!(
        foreign.is_empty(),
        "from elsewhere than the registry: {foreign:?}"
    );
    let manifest = text("Cargo.toml".as_ref());
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let deny = text("deny.toml".as_ref());
    for table in ["[licenses]", "[bans]", "[advisories]", "[sources]"] {
        assert!(deny.contains(table), "deny.toml checks no {table}");
    }
    assert!(
        text("scripts/test".as_ref()).contains("cargo-deny"),
        "nothing runs cargo-deny"
    );
}

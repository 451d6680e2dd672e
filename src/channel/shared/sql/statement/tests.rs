use super::Dialect::{Postgres, Sqlite};
use super::*;

fn text(dialect: Dialect, query: &str) -> String {
    Statement::parse(dialect, query).unwrap().text
}

fn wrong(dialect: Dialect, query: &str) -> String {
    Statement::parse(dialect, query).unwrap_err().message
}

#[test]
fn names_become_parameters_each_once() {
    let s = Statement::parse(
        Postgres,
        "select a from t where k = any(:keys) or k = :token or l = ANY( :keys );",
    );
    let s = s.unwrap();
    assert_eq!(
        s.text,
        "select a from t where k = any($1::text[]) or k = $2::text or l = ANY( $1::text[] )"
    );
    assert_eq!(s.names, ["keys", "token"]);
    assert!(!s.batched());
    assert!(Statement::parse(Postgres, "select :keys").unwrap().batched());
}

#[test]
fn only_parameters_are_names() {
    for same in [
        "':keys'",
        "'it''s :keys'",
        "\":keys\"",
        "\"a\"\":keys\"",
        "x::text",
        "E'\\' :keys'",
        "$$ :keys ; $$",
        "$a$ :keys $b$ $a$",
        "a[1:n]",
        "f(a := 1)",
        "'é :keys'",
        "a$1",
    ] {
        let got = text(Postgres, &format!("select {same}, :token"));
        assert_eq!(got, format!("select {same}, $1::text"), "{same}");
    }
    for same in ["':keys'", "\":keys\"", "`:keys`", "[:keys]", "'\\'"] {
        assert_eq!(
            text(Sqlite, &format!("select {same}, :token")),
            format!("select {same}, ?1"),
            "{same}"
        );
    }
    for comment in ["-- :keys ; '\n", "/* :keys ; /* ' */ */", "/**/"] {
        let got = text(Postgres, &format!("select{comment}1, :token"));
        assert_eq!(
            got.split_whitespace().collect::<Vec<_>>(),
            ["select", "1,", "$1::text"],
            "{comment}"
        );
    }
    assert_eq!(text(Postgres, "select :order::bigint"), "select $1::text::bigint");
    assert_eq!(
        text(Postgres, "select e':token', :token"),
        "select e':token', $1::text"
    );
    assert_eq!(text(Postgres, "select :token -- the end"), "select $1::text");
}

#[test]
fn sqlite_takes_lists_in_three_ways() {
    assert_eq!(
        text(Sqlite, "k IN (:keys)"),
        "k IN (SELECT value FROM json_each(?1))"
    );
    assert_eq!(
        text(Sqlite, "k in :keys"),
        "k in (SELECT value FROM json_each(?1))"
    );
    assert_eq!(
        text(Sqlite, "t JOIN json_each(:keys) j"),
        "t JOIN json_each(?1) j"
    );
    assert!(wrong(Sqlite, "k = ANY(:keys)").contains("ANY"));
    assert!(wrong(Postgres, "k IN (:keys)").contains("IN"));
}

#[test]
fn what_cannot_be_used_is_said() {
    assert!(wrong(Postgres, "select :token; drop table t").contains("more than one"));
    assert!(wrong(Postgres, "select :token;;").contains("more than one"));
    assert!(wrong(Postgres, "select '{{ token }}'").contains("{{"));
    assert!(wrong(Postgres, "select 1").contains("neither"));
    assert!(wrong(Postgres, "select ':keys'").contains("neither"));
    assert!(wrong(Postgres, " -- :keys").contains("no statement"));
    assert!(wrong(Postgres, "select 'x").contains("does not end"));
    assert!(wrong(Postgres, "select $x$ y").contains("does not end"));
    assert!(wrong(Postgres, "select /* y").contains("does not end"));
    assert!(wrong(Postgres, "select $1").contains("named"));
    assert!(wrong(Sqlite, "select ?, :keys").contains("named"));
    assert!(wrong(Sqlite, "select @x").contains("named"));
    assert!(wrong(Postgres, "select :Keys").contains("`:Keys`"));
    assert!(Statement::parse(Postgres, "select a ? 'b', :token ;  -- x\n").is_ok());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_value_is_pasted(query in "(?s)[ -~é\n]{0,60}") {
        for dialect in [Postgres, Sqlite] {
            if let Ok(s) = Statement::parse(dialect, &query) {
                proptest::prop_assert!(!s.names.is_empty());
            }
        }
    }
}

//! The reference: complete, readable, and the same in both its forms.

use landfall::definition::reference;
use landfall::diag::Code;
use landfall::model::Class;
use landfall::{channel, trigger};

use super::{committed, err, landfall, out, root};

#[test]
fn the_committed_reference_is_what_the_code_says() {
    committed("probes/REFERENCE.md", &reference::markdown());
}

#[test]
fn the_list_names_every_kind_and_every_page_fits_eighty_columns() {
    let list = out(&landfall(&root(), &["reference"]));
    for name in trigger::FACTS
        .iter()
        .map(|f| f.name)
        .chain(channel::FACTS.iter().map(|f| f.name))
    {
        assert!(list.contains(&format!(".{name} ")), "{name}\n{list}");
    }
    for page in reference::pages() {
        assert!(list.contains(&format!("  {} ", page.name)), "{}", page.name);
        assert!(page.sentence.len() > 8, "{} says nothing of itself", page.name);
        for line in page.text(80).lines() {
            // What has no blank to break at, and examples, stay whole.
            let whole = line.trim_start().split(' ').count() < 3 || line.starts_with("    ");
            assert!(line.chars().count() <= 80 || whole, "{}: {line}", page.name);
        }
    }
}

#[test]
fn a_page_is_found_by_its_whole_name_or_its_last_part() {
    let imap = out(&landfall(&root(), &["reference", "imap"]));
    assert_eq!(imap, out(&landfall(&root(), &["reference", "channel.imap"])));
    for part in [
        "host  (template; required)",
        "channels.NAME",
        "folder",
        "password: \"${env:IMAP_PASSWORD}\"",
    ] {
        assert!(imap.contains(part), "{part}\n{imap}");
    }
    let both = out(&landfall(&root(), &["reference", "http"]));
    assert!(
        both.contains("trigger.http\n") && both.contains("channel.http\n"),
        "{both}"
    );
}

#[test]
fn an_unknown_name_is_answered_with_what_may_have_been_meant() {
    let unknown = landfall(&root(), &["reference", "imapp"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        err(&unknown).contains("did you mean `imap`?"),
        "{}",
        err(&unknown)
    );
    assert!(err(&landfall(&root(), &["reference", "zzzzzzzzzz"])).contains("`landfall reference` lists"));
}

#[test]
fn every_class_and_code_is_explained() {
    let classes = out(&landfall(&root(), &["reference", "classes"]));
    assert!(
        Class::ALL
            .iter()
            .all(|class| classes.contains(&format!("  {}  ", class.word()))),
        "{classes}"
    );
    let codes = out(&landfall(&root(), &["reference", "codes"]));
    assert!(
        Code::ALL
            .iter()
            .all(|code| codes.contains(&format!("  {}  ", code.word()))),
        "{codes}"
    );
}

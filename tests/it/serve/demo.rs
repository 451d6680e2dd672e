//! `landfall demo --serve`: its pages stay up until it is told to end.

use rustix::process::Signal;

use super::daemon::Daemon;
use crate::support::whole::http_client;

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_demo_show_its_runs_and_go_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let mut demo = Daemon::demo(dir.path(), &["--serve", "--runs", "9"], &[("TMPDIR", folder)]);
    let said = demo.says("pages: http://").await;
    let address = said
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap();
    let client = http_client();
    let page = loop {
        // The daemon listens from before its pages are mounted.
        let answer = client.get(format!("{address}runs")).send().await;
        if let Ok(answer) = answer.and_then(reqwest::Response::error_for_status) {
            break answer.text().await.unwrap();
        }
    };
    assert!(page.contains("message") && page.contains("alpha"), "{page}");
    demo.signal(Signal::INT);
    assert_eq!(demo.ended().await.code(), Some(0));
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

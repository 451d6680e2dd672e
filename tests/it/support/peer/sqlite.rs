//! A table in a file.

use futures::FutureExt;
use futures::future::BoxFuture;
use landfall::model::Token;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Again, Nature, Outage, Peer, Second, Stage};

pub(super) struct File {
    dir: tempfile::TempDir,
    db: Connection,
}

impl File {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Connection::open(dir.path().join("orders.db")).unwrap();
        db.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, ref TEXT, status TEXT, raw BLOB)")
            .unwrap();
        Self { dir, db }
    }
}

impl Peer for File {
    fn settings(&self) -> Value {
        json!({
            "path": self.dir.path().join("orders.db"), "poll": "50ms",
            "query": "SELECT ref AS key, id, status, raw FROM orders WHERE ref IN (:keys)",
        })
    }

    fn nature(&self) -> Nature {
        Nature {
            places: &["column"],
            again: &[],
            second: Second::Another,
            outage: Outage::Covered,
            polled: true,
            limit: (|| json!({}), "limit"),
            over: 3 << 20,
            offers: &[],
        }
    }

    fn put<'a>(
        &'a mut self,
        _: &'a Value,
        _: &'static str,
        token: &'a Token,
        content: &'a [u8],
    ) -> BoxFuture<'a, ()> {
        let sql = "INSERT INTO orders (ref, status, raw) VALUES (?1, CAST(?2 AS TEXT), ?2)";
        self.db.execute(sql, (token.as_str(), content)).unwrap();
        async {}.boxed()
    }

    fn again<'a>(&'a mut self, _: &'a Value, _: Again) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }

    fn down<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        let dir = self.dir.path();
        std::fs::rename(dir.join("orders.db"), dir.join("away.db")).unwrap();
        async {}.boxed()
    }

    fn up<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        let dir = self.dir.path();
        std::fs::rename(dir.join("away.db"), dir.join("orders.db")).unwrap();
        async {}.boxed()
    }
}

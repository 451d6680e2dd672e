//! A table on a server of the test's own.

use futures::FutureExt;
use futures::future::BoxFuture;
use landfall::model::Token;
use serde_json::{Value, json};
use sqlx::Connection;

use super::super::postgres::Server;
use super::{Again, Nature, Outage, Peer, Second, Stage};

pub(super) struct Table(Server);

impl Table {
    pub(super) async fn start() -> Self {
        let server = Server::start().await;
        server
            .sql("CREATE TABLE orders (id serial, ref text, status text, raw bytea)")
            .await;
        Self(server)
    }
}

impl Peer for Table {
    fn settings(&self) -> Value {
        json!({
            "url": self.0.url(), "poll": "50ms",
            "query": "SELECT ref AS key, id, status, raw FROM orders WHERE ref = ANY(:keys)",
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
        async move {
            // The server takes neither NUL nor broken UTF-8 as text; its bytes it does.
            let text = String::from_utf8_lossy(content).replace('\0', "");
            let mut session = self.0.session().await;
            sqlx::query("INSERT INTO orders (ref, status, raw) VALUES ($1, $2, $3)")
                .bind(token.as_str())
                .bind(text)
                .bind(content)
                .execute(&mut session)
                .await
                .unwrap();
            session.close().await.unwrap();
        }
        .boxed()
    }

    fn again<'a>(&'a mut self, _: &'a Value, _: Again) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }

    fn down<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        self.0.down();
        async {}.boxed()
    }

    fn up<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        self.0.up().boxed()
    }
}

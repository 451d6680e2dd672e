//! Who calls back.

use futures::FutureExt;
use futures::future::BoxFuture;
use landfall::channel::Trouble;
use landfall::model::{Fault, Reason, Repeat, Token};
use serde_json::{Value, json};

use super::super::whole::http_client;
use super::{Again, Nature, Outage, Peer, Second, Stage};

#[derive(Default)]
pub(super) struct Sender {
    client: Option<reqwest::Client>,
    last: Option<reqwest::Request>,
    number: u32,
}

impl Peer for Sender {
    fn settings(&self) -> Value {
        json!({})
    }

    fn nature(&self) -> Nature {
        Nature {
            places: &["path", "query", "header", "json", "text", "base64"],
            again: &[
                (Again::Unproven, Repeat::Redelivery),
                (Again::Proven, Repeat::AfterAck),
            ],
            second: Second::Another,
            outage: Outage::Lost,
            polled: false,
            limit: (|| json!({ "body_limit": "1KiB" }), "body"),
            over: 4096,
            offers: &["url", "base_url"],
        }
    }

    fn put<'a>(
        &'a mut self,
        offers: &'a Value,
        place: &'static str,
        token: &'a Token,
        content: &'a [u8],
    ) -> BoxFuture<'a, ()> {
        self.number += 1;
        let base = offers["base_url"].as_str().unwrap().to_owned();
        let text = String::from_utf8_lossy(content).into_owned();
        let mut body = content.to_vec();
        let mut url = base.clone();
        match place {
            "path" => url = offers["url"].as_str().unwrap().to_owned(),
            "query" => url = format!("{base}?ref={token}"),
            "json" => {
                body = json!({ "ref": { "of": [token] }, "text": text })
                    .to_string()
                    .into_bytes()
            }
            "text" => body = [format!("order {token}: ").as_bytes(), content].concat(),
            "base64" => {
                use base64::Engine as _;
                let encoded = base64::engine::general_purpose::STANDARD.encode(format!("order {token} paid"));
                body = format!("data={encoded}").into_bytes();
            }
            _ => {}
        }
        // Each on a connection of its own: nothing proves that an answer was received.
        let client = http_client();
        let mut request = client
            .post(url)
            .header("webhook-id", format!("msg_{}", self.number))
            .body(body);
        if place == "header" {
            request = request.header("x-ref", token.as_str());
        }
        let request = request.build().unwrap();
        self.last = request.try_clone();
        self.client = Some(client.clone());
        async move {
            drop(client.execute(request).await);
        }
        .boxed()
    }

    fn again<'a>(&'a mut self, _: &'a Value, how: Again) -> BoxFuture<'a, ()> {
        let request = self.last.as_ref().unwrap().try_clone().unwrap();
        let same = self.client.clone().unwrap();
        let client = if how == Again::Proven { same } else { http_client() };
        async move {
            drop(client.execute(request).await);
        }
        .boxed()
    }

    fn down<'a>(&'a mut self, stage: &'a Stage) -> BoxFuture<'a, ()> {
        stage.trouble.send_replace(Some(Trouble {
            since: stage.clock.now(),
            fault: Fault::new(Reason::Limit, "no connection can be taken (limit of open files)"),
        }));
        async {}.boxed()
    }

    fn up<'a>(&'a mut self, stage: &'a Stage) -> BoxFuture<'a, ()> {
        stage.trouble.send_replace(None);
        async {}.boxed()
    }
}

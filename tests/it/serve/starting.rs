//! What listens is asked before all has started.

use std::sync::Arc;

use landfall::channel::{Handler, Listener as _, Reply, Request};
use landfall::clock::{Clock, SystemClock};
use landfall::web::{HttpListener, Settings};
use tokio_util::sync::CancellationToken;

use crate::support::whole::http_client;

struct Takes;

impl Handler for Takes {
    fn body_limit(&self) -> usize {
        1024
    }

    fn handle(&self, _: Request) -> futures::future::BoxFuture<'_, Reply> {
        Box::pin(async { Reply::text(200, "taken") })
    }
}

#[tokio::test]
async fn what_comes_before_all_is_mounted_is_told_to_come_again() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let socket = landfall::web::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    let settings = Settings {
        starting: true,
        ..Settings::default()
    };
    let listener = HttpListener::new(socket.local_addr().unwrap(), settings, clock);
    let stop = CancellationToken::new();
    let running = tokio::spawn(listener.clone().run(socket, stop.clone()));
    let client = http_client();
    let call = async |path: &str| {
        client
            .post(format!("{base}{path}"))
            .body("x")
            .send()
            .await
            .unwrap()
    };
    // More than the budget of what matches nothing allows.
    for _ in 0..100 {
        let early = call("/c/secret/token").await;
        assert_eq!(early.status(), 503);
        assert_eq!(early.headers()["retry-after"], "1");
    }
    assert_eq!(call("/healthz").await.status(), 503);
    assert_eq!(listener.counters()["starting"], 101);
    listener.mount("/c/secret", Arc::new(Takes));
    assert_eq!(call("/c/secret/token").await.status(), 200);
    assert_eq!(call("/c/other/token").await.status(), 503);
    listener.started();
    assert_eq!(call("/c/other/token").await.status(), 404);
    listener.unmount("/c/secret");
    assert_eq!(call("/c/secret/token").await.status(), 404);
    stop.cancel();
    running.await.unwrap();
}

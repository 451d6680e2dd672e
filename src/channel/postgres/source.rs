//! One session for queries, one that listens.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, watch};

use super::PostgresConfig;
use super::read::Query;
use super::session::{connect, fault};
use crate::channel::OpenContext;
use crate::channel::shared::poll::{Answered, Ask, Failure, Hint, Pace, Reply, Source};
use crate::channel::shared::sql::{Dialect, RUNS_PER_QUERY, RUNS_PER_TURN, Statement};
use crate::clock::{Clock, Random};
use crate::model::{Fault, Reason, Scope, Token};

/// The interval beside notifications that come.
const BESIDE_NOTIFY: Duration = Duration::from_secs(2);
/// How often a session that listens is asked whether it still lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The longest pause before it is opened again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct PostgresSource {
    options: PgConnectOptions,
    query: Query,
    notify: Option<String>,
    every: Duration,
    timeout: Duration,
    session: Mutex<Option<PgConnection>>,
    querying: AtomicBool,
    listening: AtomicBool,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl PostgresSource {
    pub(super) fn new(config: &PostgresConfig, context: &OpenContext) -> Result<Self, Fault> {
        let statement = Statement::parse(Dialect::Postgres, &config.query.value)
            .map_err(|wrong| Fault::new(Reason::Input, wrong.message))?;
        let url = context.scope.secret(&config.url)?;
        // The driver's message quotes the address, and with it the password.
        let options = PgConnectOptions::from_str(&url).map_err(|_| {
            let message =
                "`url` is no address of a PostgreSQL server: expected postgres://user:password@host/database";
            Fault::new(Reason::Input, message)
        })?;
        Ok(Self {
            options: options.application_name("landfall").disable_statement_logging(),
            query: Query::new(statement, config.id.clone()),
            notify: config.notify.as_ref().map(|n| n.value.clone()),
            every: config.poll.value.0,
            timeout: config.timeout.value.0,
            session: Mutex::new(None),
            querying: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            clock: Arc::clone(&context.clock),
            random: Arc::clone(&context.random),
        })
    }

    /// The session, opened where there is none. It is taken out, so that one whose question was given up is closed.
    async fn session(&self) -> Result<PgConnection, Fault> {
        if let Some(open) = self.session.lock().await.take() {
            return Ok(open);
        }
        self.querying.store(false, Ordering::Relaxed);
        let mut opened = connect(&self.options, self.timeout).await?;
        self.query.prepare(&mut opened, &self.options).await?;
        self.querying.store(true, Ordering::Relaxed);
        Ok(opened)
    }

    async fn ask_all(&self, asks: &[Ask]) -> Result<Answered, Failure> {
        let mut session = self.session().await.map_err(Failure::Down)?;
        let sent = self.clock.now();
        let mut reply = Reply::default();
        let result = if self.query.batched() {
            self.query
                .run(&mut session, &self.options, (asks, None), &mut reply)
                .await
        } else {
            let mut result = Ok(());
            for ask in asks {
                result = self
                    .query
                    .run(&mut session, &self.options, (asks, Some(ask)), &mut reply)
                    .await;
                if result.is_err() {
                    break;
                }
            }
            result
        };
        if matches!(result, Err(Failure::Down(_))) {
            self.querying.store(false, Ordering::Relaxed);
            drop(session);
        } else {
            *self.session.lock().await = Some(session);
        }
        result.map(|()| Answered {
            sent,
            came: self.clock.now(),
            reply,
        })
    }

    /// Listens until the session is lost. What was signalled before it listened is found by the look that follows.
    async fn listen(
        &self,
        channel: &str,
        hint: &Hint<'_>,
        wanted: &watch::Receiver<bool>,
    ) -> Result<(), Fault> {
        let said = |e| fault(&e, &self.options);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.timeout)
            .connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&pool).await.map_err(said)?;
        listener.eager_reconnect(false);
        tokio::time::timeout(self.timeout, listener.listen(channel))
            .await
            .map_err(|_| Fault::new(Reason::Timeout, "LISTEN was not confirmed in time"))?
            .map_err(said)?;
        self.listening.store(true, Ordering::Relaxed);
        hint();
        loop {
            match tokio::time::timeout(HEARTBEAT, listener.try_recv()).await {
                Ok(Ok(Some(_))) => {
                    // Many notifications at once are one reason to look.
                    while listener.next_buffered().is_some() {}
                    hint();
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(e)) => return Err(said(e)),
                // Where nothing is armed nothing is asked, not even this.
                Err(_) if !*wanted.borrow() => {}
                Err(_) => {
                    // A connection that is half open says nothing by itself.
                    let alive = sqlx::query("SELECT 1").execute(&mut listener);
                    tokio::time::timeout(self.timeout, alive)
                        .await
                        .map_err(|_| Fault::new(Reason::Timeout, "the session that listens is dead"))?
                        .map_err(said)?;
                }
            }
        }
    }
}

impl Source for PostgresSource {
    fn pace(&self) -> Pace {
        let listening = self.listening.load(Ordering::Relaxed);
        Pace {
            every: if listening {
                self.every.max(BESIDE_NOTIFY)
            } else {
                self.every
            },
            batch: if self.query.batched() {
                RUNS_PER_QUERY
            } else {
                RUNS_PER_TURN
            },
            lanes: 1,
            one_peer: true,
            // The server ends the query first, and says so; this is for a server that says nothing.
            timeout: self.timeout * 2,
        }
    }

    fn offers(&self, _: &Token, _: &dyn Scope) -> Result<Value, Fault> {
        Ok(json!({}))
    }

    fn read_only(&self) -> &'static str {
        "the session is read-only: what writes the rows is the system that is tested"
    }

    fn ask<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Answered, Failure>> {
        Box::pin(self.ask_all(asks))
    }

    fn connections(&self) -> u64 {
        let (querying, listening) = (&self.querying, &self.listening);
        u64::from(querying.load(Ordering::Relaxed)) + u64::from(listening.load(Ordering::Relaxed))
    }

    fn attend<'a>(&'a self, mut wanted: watch::Receiver<bool>, hint: &'a Hint<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(channel) = &self.notify else {
                return;
            };
            let failures = AtomicU32::new(0);
            // Nothing is opened before something is armed.
            while wanted.wait_for(|wanted| *wanted).await.is_ok() {
                let lost = self.listen(channel, hint, &wanted).await;
                if self.listening.swap(false, Ordering::Relaxed) {
                    failures.store(0, Ordering::Relaxed);
                }
                // Polling goes on meanwhile at its own pace, and says itself if the server is gone.
                hint();
                if let Err(fault) = lost {
                    tracing::warn!(channel = %channel, "not listening: {fault}");
                }
                let growth = failures.fetch_add(1, Ordering::Relaxed).min(8);
                let pause = (self.every * (1 << growth)).min(LONGEST_PAUSE);
                let jitter = f64::from(self.random.bytes()[0]) / 255.0;
                self.clock.sleep(pause.mul_f64(0.5 + jitter / 2.0)).await;
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let open = self.session.lock().await.take();
            if let Some(session) = open {
                // Said goodbye to; where that fails the socket is closed all the same.
                drop(tokio::time::timeout(Duration::from_secs(1), session.close()).await);
            }
            self.querying.store(false, Ordering::Relaxed);
            self.listening.store(false, Ordering::Relaxed);
        })
    }
}

//! What the engine sees of the sink.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::config::{PORT, SmtpSinkConfig, parse_listen};
use super::connection::Shared;
use super::plant::{self, Own};
use super::policy::{Admission, Policy, lock};
use super::recorder::Recorder;
use super::{server, tls};
use crate::channel::{Channel, OpenContext, Planted, Watch};
use crate::model::{Fault, Lapse, Moment, Reason, RunId, Scope, Template, Token};

/// An open sink. Its address is bound from the beginning: what is sent before it is driven waits in the backlog.
pub(super) struct Sink {
    name: String,
    own: Own,
    bound: SocketAddr,
    host: String,
    address: Option<Template>,
    shared: Arc<Shared>,
    admission: Arc<Admission>,
    listener: Mutex<State>,
}

enum State {
    Bound(TcpListener),
    Serving,
    Closed,
}

impl Sink {
    /// # Errors
    /// A certificate that cannot be used, a password that does not render, an address that cannot be bound.
    pub(super) async fn open(config: SmtpSinkConfig, context: OpenContext) -> Result<Self, Fault> {
        let password = config
            .auth
            .as_ref()
            .map(|a| context.scope.secret(&a.password))
            .transpose()?;
        let policy = Arc::new(Policy::new(&config, password, context.token_key)?);
        let identity = config
            .tls
            .as_ref()
            .map(|t| tls::identity(t, &policy.domain, &context.root))
            .transpose()?;
        let text = config.listen.as_ref().map_or("", |l| l.value.as_str());
        let (ip, port) = match text {
            "" => (None, PORT),
            text => parse_listen(text).ok_or_else(|| {
                let message = format!("`{text}` is no address to listen on: expected IP:PORT or :PORT");
                Fault::new(Reason::Input, message)
            })?,
        };
        let at = SocketAddr::new(ip.unwrap_or_else(|| context.listener.ip()), port);
        let listener = server::bind(at).await?;
        let own = Own::of(&listener)?;
        let lapse = |configured: Option<Lapse>, default| configured.unwrap_or(default).0;
        Ok(Self {
            name: context.name,
            own,
            bound: SocketAddr::new(at.ip(), own.address().port()),
            host: config
                .host
                .map_or_else(|| own.address().ip().to_string(), |host| host.value),
            address: config.address,
            shared: Arc::new(Shared {
                policy,
                recorder: Recorder::new(Arc::clone(&context.sink)),
                sink: context.sink,
                clock: context.clock,
                identity,
                idle: lapse(config.idle_timeout, Lapse::secs(60)),
                session: lapse(config.session_timeout, Lapse::secs(600)),
                greeting_delay: lapse(config.greeting_delay, Lapse::default()),
            }),
            admission: Arc::new(Admission::default()),
            listener: Mutex::new(State::Bound(listener)),
        })
    }

    /// The listener; bound anew where the sink is driven a second time.
    async fn take_listener(&self) -> Result<TcpListener, Fault> {
        let state = std::mem::replace(&mut *lock(&self.listener), State::Serving);
        match state {
            State::Bound(listener) => Ok(listener),
            State::Serving | State::Closed => server::bind(self.bound).await,
        }
    }
}

impl Channel for Sink {
    fn offers(&self, token: &Token, scope: &dyn Scope) -> Result<Value, Fault> {
        let domain = &self.shared.policy.domain;
        let address = match &self.address {
            Some(template) => scope.text(template)?,
            None => format!("canary+{token}@{domain}"),
        };
        Ok(json!({
            "address": address, "host": self.host, "port": self.own.address().port(), "domain": domain,
        }))
    }

    fn arm(&self, _watch: Watch) -> BoxFuture<'_, Result<(), Fault>> {
        let closed = matches!(*lock(&self.listener), State::Closed);
        let armed = if closed {
            let message = format!("channel `{}` no longer listens on {}", self.name, self.bound);
            Err(Fault::new(Reason::Stopped, message))
        } else {
            Ok(())
        };
        Box::pin(async move { armed })
    }

    fn extend(&self, _run: RunId, _keys: &[String], _scope: Arc<dyn Scope>) {}

    fn look(&self, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        Box::pin(async move { Ok(due) })
    }

    fn remembers(&self) -> bool {
        false
    }

    fn is_addressed(&self) -> bool {
        true
    }

    fn disarm(&self, _run: RunId) {}

    fn drive(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            match self.take_listener().await {
                Ok(listener) => {
                    server::run(
                        listener,
                        Arc::clone(&self.shared),
                        Arc::clone(&self.admission),
                        stop,
                    )
                    .await;
                }
                Err(fault) => self.shared.sink.down(self.shared.clock.now(), fault),
            }
            *lock(&self.listener) = State::Closed;
        })
    }

    fn plant(&self, token: &Token) -> BoxFuture<'_, Result<Planted, Fault>> {
        let token = *token;
        Box::pin(async move {
            let certificate = self.shared.identity.as_ref().map(|i| &i.certificate);
            plant::plant(self.own, &self.shared.policy, certificate, &token).await?;
            Ok(Planted::Yes)
        })
    }

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        let open = u64::try_from(self.admission.open()).unwrap_or(u64::MAX);
        BTreeMap::from([("connections", open), ("mails", self.shared.recorder.recorded())])
    }
}

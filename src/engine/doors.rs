//! What channels mount on the shared listener. An address stays the same while what stands behind it is replaced, and
//! what was there before goes on answering what only it understands, until its runs have ended.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::channel::{Handler, Listener, Reply, Request, Trouble};

/// The addresses on a listener.
pub(super) struct Doors {
    listener: Arc<dyn Listener>,
    doors: Mutex<HashMap<String, Arc<Door>>>,
}

/// One address: who answers there, the newest first, each with the number of its channel.
#[derive(Default)]
struct Door(RwLock<Vec<(u64, Arc<dyn Handler>)>>);

/// Who answered before.
type Earlier = Vec<Arc<dyn Handler>>;

/// The listener as one channel sees it.
pub(super) struct Entrance {
    doors: Arc<Doors>,
    instance: u64,
}

impl Doors {
    pub(super) fn new(listener: Arc<dyn Listener>) -> Arc<Self> {
        let doors = Mutex::default();
        Arc::new(Self { listener, doors })
    }

    /// For the channel of this number.
    pub(super) fn entrance(self: &Arc<Self>, instance: u64) -> Arc<dyn Listener> {
        let doors = Arc::clone(self);
        Arc::new(Entrance { doors, instance })
    }

    /// The channel answers nowhere any more; an address at which no other does is taken down.
    pub(super) fn close(&self, instance: u64) {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        doors.retain(|prefix, door| {
            let mut handlers = door.0.write().unwrap_or_else(PoisonError::into_inner);
            handlers.retain(|(of, _)| *of != instance);
            if handlers.is_empty() {
                self.listener.unmount(prefix);
            }
            !handlers.is_empty()
        });
    }

    fn mount(&self, instance: u64, prefix: &str, handler: Arc<dyn Handler>) {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = !doors.contains_key(prefix);
        let door = doors.entry(prefix.to_owned()).or_default();
        let mut handlers = door.0.write().unwrap_or_else(PoisonError::into_inner);
        handlers.insert(0, (instance, handler));
        if fresh {
            self.listener.mount(prefix, door.clone());
        }
    }
}

impl Listener for Entrance {
    fn mount(&self, prefix: &str, handler: Arc<dyn Handler>) {
        self.doors.mount(self.instance, prefix, handler);
    }

    fn public_url(&self) -> String {
        self.doors.listener.public_url()
    }

    fn ip(&self) -> IpAddr {
        self.doors.listener.ip()
    }

    fn trouble(&self) -> Option<watch::Receiver<Option<Trouble>>> {
        self.doors.listener.trouble()
    }
}

impl Door {
    /// The newest, and those before it.
    fn handlers(&self) -> (Option<Arc<dyn Handler>>, Earlier) {
        let handlers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = handlers.iter().map(|(_, handler)| Arc::clone(handler));
        (all.next(), all.collect())
    }
}

/// Whether another may understand what this one refuses.
const fn refuses(reply: &Reply) -> bool {
    reply.status >= 400 && reply.status < 500
}

impl Handler for Door {
    fn body_limit(&self) -> usize {
        let (newest, before) = self.handlers();
        let all = newest.iter().chain(&before);
        all.map(|handler| handler.body_limit()).max().unwrap_or_default()
    }

    fn refuse(&self, head: &Request) -> Option<Reply> {
        let (newest, before) = self.handlers();
        let Some(newest) = newest else {
            return Some(gone());
        };
        let said = newest.refuse(head)?;
        let taken = refuses(&said) && before.iter().any(|handler| handler.refuse(head).is_none());
        (!taken).then_some(said)
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, Reply> {
        let (newest, before) = self.handlers();
        Box::pin(async move {
            let Some(newest) = newest else {
                return gone();
            };
            if before.is_empty() {
                return newest.handle(request).await;
            }
            let said = match newest.refuse(&request) {
                Some(said) => said,
                None => newest.handle(request.clone()).await,
            };
            if !refuses(&said) {
                return said;
            }
            for handler in before {
                if handler.refuse(&request).is_some() {
                    continue;
                }
                let other = handler.handle(request.clone()).await;
                if !refuses(&other) {
                    return other;
                }
            }
            said
        })
    }

    fn dropped(&self, what: &'static str, head: Option<&Request>) {
        if let (Some(newest), _) = self.handlers() {
            newest.dropped(what, head);
        }
    }
}

/// Taken down while the request was on its way.
fn gone() -> Reply {
    Reply::text(404, "not found\n")
}

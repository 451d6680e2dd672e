//! What each kind of channel is tested against by the conformance suite: one file a kind.

mod callback;
mod http;
mod imap;
mod postgres;
mod smtp_sink;
mod sqlite;
mod stage;

use futures::future::BoxFuture;
use landfall::model::{Repeat, Token};
use serde_json::Value;

pub(crate) use stage::Stage;

/// The other side of a channel.
pub(crate) trait Peer: Send {
    /// The settings under the kind's name.
    fn settings(&self) -> Value;

    /// What can be expected of the kind.
    fn nature(&self) -> Nature;

    /// Makes one more observation arrive that bears the token at this place, and this content besides. A peer that is
    /// refused says nothing: what was seen tells. `offers` is what the channel offers the run.
    fn put<'a>(
        &'a mut self,
        offers: &'a Value,
        place: &'static str,
        token: &'a Token,
        content: &'a [u8],
    ) -> BoxFuture<'a, ()>;

    /// Makes what was put last arrive once more, as the same native message.
    fn again<'a>(&'a mut self, offers: &'a Value, how: Again) -> BoxFuture<'a, ()>;

    /// Is gone: the channel cannot see.
    fn down<'a>(&'a mut self, stage: &'a Stage) -> BoxFuture<'a, ()>;

    /// Is back.
    fn up<'a>(&'a mut self, stage: &'a Stage) -> BoxFuture<'a, ()>;
}

/// How the same message comes once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// After an answer of which nothing proves that the sender had it.
    Unproven,
    /// After an acknowledgement that the sender provably had.
    Proven,
}

/// What can be expected of a kind.
pub(crate) struct Nature {
    /// Where a token may stand; the first is the usual one.
    pub(crate) places: &'static [&'static str],
    /// What is said of the same message that comes again; where it cannot, or is a state, it is left out.
    pub(crate) again: &'static [(Again, Repeat)],
    /// Whether a second one is another thing, or a transition of the first.
    pub(crate) second: Second,
    /// What becomes of the channel when its peer is gone.
    pub(crate) outage: Outage,
    /// Whether it looks, rather than being told.
    pub(crate) polled: bool,
    /// Settings that limit a content, and the word by which the limit names itself.
    pub(crate) limit: (fn() -> Value, &'static str),
    /// Bytes that are over the limit.
    pub(crate) over: usize,
    /// What the peer must know of what the channel offers.
    pub(crate) offers: &'static [&'static str],
}

/// What a second observation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Second {
    /// Another event, or another row.
    Another,
    /// The same resource, changed.
    Transition,
}

/// What becomes of the channel when its peer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// It is blind, and a later look covers the gap.
    Covered,
    /// It is blind, and what came in the gap is gone.
    Lost,
    /// That is an answer too: not yet.
    NotYet,
    /// The channel is the server; a client that breaks off is all that can happen.
    Client,
}

/// The peer of a kind; `None` where nobody has written one.
pub(crate) async fn of(kind: &str) -> Option<Box<dyn Peer>> {
    Some(match kind {
        "callback" => Box::new(callback::Sender::default()),
        "smtp_sink" => Box::new(smtp_sink::Sender::default()),
        "imap" => Box::new(imap::Inbox::start()),
        "sqlite" => Box::new(sqlite::File::new()),
        "postgres" => Box::new(postgres::Table::start().await),
        "http" => Box::new(http::Resource::start().await),
        _ => return None,
    })
}

//! The self-test behind `landfall check --online`: every channel is armed, sees a marked observation of its own, and
//! takes no foreign one for it; every trigger is built. Nothing is fired.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::Map;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::drive::Message;
use super::sink::SinkShared;
use super::slots::Opened;
use super::supervise::Opener;
use super::{Engine, Setup};
use crate::channel::{Planted, Watch};
use crate::clock::Clock;
use crate::definition::{ChannelDef, RunScope, Workspace};
use crate::lifecycle::Event;
use crate::model::{
    ChannelId, Fault, Moment, Observation, Reason, RunId, Scope, Token, TokenFormat, TokenKey,
};
use crate::trigger;

/// The longest that one step of a test may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Channels that are tested at once.
const AT_ONCE: usize = 16;

/// How the test of a workspace went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// Each channel of the workspace, in its order.
    pub channels: Vec<ChannelTest>,
    /// Each trigger of its probes, in their order.
    pub triggers: Vec<TriggerTest>,
}

/// How the test of one channel went. No message holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelTest {
    /// Its name in the workspace.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// How long arming took; `None` where it was not armed.
    pub armed: Option<Duration>,
    /// What it saw, or why it could not be opened, armed or observed.
    pub outcome: Result<Observed, Fault>,
}

/// What a channel that was armed has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// The planted observation was seen so long after it was sent, was taken for its own run's, and foreign ones were
    /// not.
    Seen(Duration),
    /// The channel only reads, so that nothing was planted; the reason.
    ReadOnly(&'static str),
    /// What it looks for is named by a value that only a run brings; the message says which.
    NeedsRun(String),
}

/// Whether a trigger could be built, its certificates read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerTest {
    /// The probe.
    pub probe: Arc<str>,
    /// The route.
    pub route: Arc<str>,
    /// The trigger's kind.
    pub kind: &'static str,
    /// Why it could not be built.
    pub fault: Option<Fault>,
}

impl Engine {
    /// Opens, arms and tests every channel of the workspace, used or not, builds every trigger, and lets go of all.
    /// The store should be one in memory: what the test sees is no history. `unheard` says why the shared listener
    /// does not listen, where it does not: channels that need it are then reported with that.
    ///
    /// # Errors
    /// The store does not answer. What is wrong with a channel or trigger is told in its place.
    pub async fn self_test(setup: Setup, unheard: Option<&Fault>) -> Result<SelfTest, Fault> {
        let token_key = setup.store.token_key(setup.random.bytes()).await?;
        let (messages, inbox) = mpsc::channel(1024);
        // What channels say of gaps is not asked for: arming tells.
        let (control, _) = mpsc::unbounded_channel();
        let shared = Arc::new(SinkShared::new(&setup, token_key, 0, messages, control));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let board = Arc::new(Board::default());
        let collecting = tokio::spawn(board.clone().collect(inbox, setup.clock.clone()));
        let stage = Stage {
            setup: &setup,
            shared: &shared,
            board: &board,
            opener: &Opener::new(&setup, &shared, &stop, &tasks, false),
        };
        let defs = setup.workspace.channels.iter().zip(0_u16..);
        let tests = defs.map(|(def, id)| stage.test(ChannelId(id), def, unheard));
        let channels = stream::iter(tests).buffered(AT_ONCE).collect().await;
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        collecting.abort();
        Ok(SelfTest {
            channels,
            triggers: triggers(&setup),
        })
    }
}

/// What the tests of all channels share.
struct Stage<'s> {
    setup: &'s Setup,
    shared: &'s Arc<SinkShared>,
    board: &'s Board,
    opener: &'s Opener,
}

impl Stage<'_> {
    async fn test(&self, id: ChannelId, def: &ChannelDef, unheard: Option<&Fault>) -> ChannelTest {
        let mut test = ChannelTest {
            name: def.name.value.clone(),
            kind: def.config.kind(),
            armed: None,
            outcome: Ok(Observed::Seen(Duration::ZERO)),
        };
        test.outcome = match unheard.filter(|_| def.config.listens()) {
            Some(fault) => Err(fault.clone()),
            None => self.observe(id, def, &mut test.armed).await,
        };
        if let Err(fault) = &mut test.outcome {
            fault.message = self.clean(&fault.message);
        } else if let Ok(Observed::NeedsRun(why)) = &mut test.outcome {
            *why = self.clean(why);
        }
        test
    }

    async fn observe(
        &self,
        id: ChannelId,
        def: &ChannelDef,
        armed: &mut Option<Duration>,
    ) -> Result<Observed, Fault> {
        let opened = self.opener.open_one(&self.setup.workspace, id, def).await?;
        let token = self.token(&self.shared.token_key);
        let run = RunId(uuid::Uuid::from_u128(u128::from(id.0) + 1));
        let begin = self.now();
        let scope = scope(&self.setup.workspace, id, run, begin, &token);
        self.board.expect(id, run, token);
        let watch = Watch { run, token, scope };
        within("arming it", opened.channel.arm(watch)).await?;
        *armed = Some(self.now().since(begin));
        let outcome = self.look_and_plant(id, run, token, &opened).await;
        opened.channel.disarm(run);
        outcome
    }

    async fn look_and_plant(
        &self,
        id: ChannelId,
        run: RunId,
        token: Token,
        opened: &Opened,
    ) -> Result<Observed, Fault> {
        let looked = within("looking", opened.channel.look_for(run, self.now())).await;
        match looked {
            // Only a value of a run's own is missing here: all that `vars` has was there when it was armed.
            Err(fault) if fault.reason == Reason::Input => return Ok(Observed::NeedsRun(fault.message)),
            Err(fault) => return Err(fault),
            Ok(_) => {}
        }
        let sent = self.now();
        match within("planting a marked observation", opened.channel.plant(&token)).await? {
            Planted::ReadOnly(why) => return Ok(Observed::ReadOnly(why)),
            Planted::Yes => {}
        }
        // Wakes a channel that is polled; what it sees, or that it cannot, is told by the board.
        let look = opened.channel.look(self.now());
        let seen = self.board.arrived(id, token);
        let both = async { tokio::join!(look, seen) };
        let (looked, at) = tokio::time::timeout(PATIENCE, both).await.map_err(|_| unseen())?;
        looked?;
        let at = at.ok_or_else(unseen)?;
        self.plant_foreign(id, opened).await?;
        Ok(Observed::Seen(at.since(sent)))
    }

    /// Another token of ours that nobody waits for, and one that somebody made up.
    async fn plant_foreign(&self, id: ChannelId, opened: &Opened) -> Result<(), Fault> {
        let other = self.token(&self.shared.token_key);
        let made_up = self.token(&TokenKey::new(self.setup.random.bytes()));
        self.board.foreign(id, [other, made_up]);
        within("planting a foreign observation", opened.channel.plant(&other)).await?;
        // Being turned away is as good as being taken for nobody's.
        let _turned_away = within("planting a made-up token", opened.channel.plant(&made_up))
            .await
            .is_err();
        let now = self.now();
        within("looking", opened.channel.look(now)).await?;
        opened.sink.in_flight.drained(now).await;
        self.board.settled(&self.shared.messages).await;
        if self.board.mistaken(id) {
            let message =
                "an observation that bears a foreign token was taken for the run's own; please report this";
            return Err(Fault::new(Reason::Internal, message));
        }
        Ok(())
    }

    fn token(&self, key: &TokenKey) -> Token {
        key.issue(TokenFormat::Text, self.setup.random.bytes())
    }

    fn now(&self) -> Moment {
        self.setup.clock.now()
    }

    fn clean(&self, text: &str) -> String {
        self.setup.workspace.redactor.text(text).into_owned()
    }
}

/// What has been seen of the tests' tokens.
#[derive(Default)]
struct Board {
    state: Mutex<Seen>,
    changed: watch::Sender<u64>,
    /// Rises with each [`Event::Time`], which only [`Board::settled`] sends.
    marks: watch::Sender<u64>,
    settling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Seen {
    /// Whose each token is.
    own: BTreeMap<Token, (ChannelId, RunId)>,
    foreign: BTreeMap<ChannelId, [Token; 2]>,
    arrived: BTreeMap<(ChannelId, Token), Moment>,
    mistaken: BTreeSet<ChannelId>,
}

impl Board {
    /// Notes what arrives, attributed as the loop would: by the tokens that the sink has found.
    async fn collect(self: Arc<Self>, mut inbox: mpsc::Receiver<Message>, clock: Arc<dyn Clock>) {
        while let Some(message) = inbox.recv().await {
            match message {
                Message::Seen { seen, observation } => self.note(&seen.tokens, &observation, clock.now()),
                Message::Event(Event::Time) => self.marks.send_modify(|n| *n += 1),
                _ => {}
            }
            self.changed.send_modify(|n| *n += 1);
        }
    }

    fn note(&self, tokens: &[Token], observation: &Observation, now: Moment) {
        let mut state = self.lock();
        let channel = observation.channel;
        for token in tokens {
            let Some((of, _)) = state.own.get(token).copied() else {
                continue;
            };
            let foreign = state
                .foreign
                .get(&channel)
                .is_some_and(|f| f.iter().any(|foreign| bears(observation, foreign)));
            if of == channel && bears(observation, token) && !foreign {
                state.arrived.entry((channel, *token)).or_insert(now);
            } else if of == channel {
                state.mistaken.insert(channel);
            }
        }
    }

    fn expect(&self, channel: ChannelId, run: RunId, token: Token) {
        self.lock().own.insert(token, (channel, run));
    }

    fn foreign(&self, channel: ChannelId, tokens: [Token; 2]) {
        self.lock().foreign.insert(channel, tokens);
    }

    fn mistaken(&self, channel: ChannelId) -> bool {
        self.lock().mistaken.contains(&channel)
    }

    /// When the token was first seen on the channel; waits for it.
    async fn arrived(&self, channel: ChannelId, token: Token) -> Option<Moment> {
        let mut changed = self.changed.subscribe();
        loop {
            let found = self.lock().arrived.get(&(channel, token)).copied();
            if found.is_some() {
                return found;
            }
            changed.changed().await.ok()?;
        }
    }

    /// Returns once everything that was sent before has been noted.
    async fn settled(&self, messages: &mpsc::Sender<Message>) {
        let _alone = self.settling.lock().await;
        let mut marks = self.marks.subscribe();
        let sent = messages.send(Message::Event(Event::Time)).await;
        // The collector ends after all tests.
        if sent.is_ok() {
            drop(marks.changed().await);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bears(observation: &Observation, token: &Token) -> bool {
    let sighting = &observation.sighting;
    let text = serde_json::to_string(&sighting.seen).unwrap_or_default();
    sighting.keys.iter().any(|key| key == token.as_str()) || text.contains(token.as_str())
}

/// What a run would know before its answer: its route and input where a leg waits on the channel.
fn scope(workspace: &Workspace, id: ChannelId, run: RunId, tick: Moment, token: &Token) -> Arc<dyn Scope> {
    let mut legs = workspace.probes.iter().flat_map(|p| &p.legs);
    let leg = legs.find(|def| def.leg.expectations.iter().any(|e| e.channel == id));
    let known = leg.and_then(|def| RunScope::new(def, &workspace.vars, run, tick, token, Map::new()).ok());
    Arc::new(known.unwrap_or_else(|| {
        RunScope::of_vars(&workspace.vars)
            .with("token", token.as_str().into())
            .with("run", run.to_string().into())
            .with("tick", tick.to_rfc3339().into())
    }))
}

async fn within<T>(what: &str, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = || Fault::new(Reason::Timeout, format!("{what} took longer than {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn unseen() -> Fault {
    let message = format!("the planted observation was taken, and was not seen within {PATIENCE:?}");
    Fault::new(Reason::Timeout, message)
}

fn triggers(setup: &Setup) -> Vec<TriggerTest> {
    let context = trigger::OpenContext {
        clock: setup.clock.clone(),
        root: setup.workspace.root.clone(),
    };
    let legs = setup.workspace.probes.iter().flat_map(|p| &p.legs);
    let all = legs.flat_map(|def| {
        let cleanup = def.cleanup.iter().map(|c| &c.trigger);
        std::iter::once(&def.request.trigger)
            .chain(cleanup)
            .map(move |config| (def, config))
    });
    let test = |(def, config): (&Arc<crate::definition::LegDef>, &trigger::TriggerConfig)| TriggerTest {
        probe: def.leg.probe.clone(),
        route: def.leg.route.clone(),
        kind: config.kind(),
        fault: config.clone().open(&context).err().map(|fault| {
            let message = setup.workspace.redactor.text(&fault.message).into_owned();
            Fault::new(fault.reason, message)
        }),
    };
    all.map(test).collect()
}

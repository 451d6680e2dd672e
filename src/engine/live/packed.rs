//! A run that sleeps: all that the engine holds of it, in a few hundred bytes.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::{Map, Value};

use super::Live;
use super::codec::{Reader, Writer};
use super::contents::{self, Whose};
use super::press::{Pattern, Press};
use crate::definition::{LegDef, RunScope};
use crate::diag::Sources;
use crate::engine::resume::{self, Kept};
use crate::model::{Expr, Fault, Free, Moment, ObservationId, Reason, RunId, Scope, Template, Token};

/// The contents are those that a run had when it fell asleep ([`contents`]); else those that an earlier process left
/// in the store ([`Kept`]).
const OWN: u8 = 1;
/// They are pressed.
const PRESSED: u8 = 2;

/// What the runs of one leg share while they sleep.
pub(in crate::engine) struct Share {
    pub(super) def: Arc<LegDef>,
    pub(super) vars: Arc<Map<String, Value>>,
    pub(super) sources: Arc<Sources>,
    press: Mutex<Press>,
}

/// One run that sleeps.
pub(in crate::engine) struct Packed {
    share: Arc<Share>,
    /// How its scope is read by channels that kept it, where any did.
    handle: Weak<Handle>,
    bytes: Bytes,
}

/// The contents of one run, packed, before it is known what its leg is.
pub(in crate::engine) struct Bytes {
    pattern: Arc<Pattern>,
    /// How they are packed, the token, the observations among them, how long they were, and they themselves.
    all: Box<[u8]>,
}

impl Share {
    pub(in crate::engine) fn new(
        def: Arc<LegDef>,
        vars: Arc<Map<String, Value>>,
        sources: Arc<Sources>,
    ) -> Self {
        let press = Mutex::default();
        Self {
            def,
            vars,
            sources,
            press,
        }
    }

    /// Tries whether what was left of a run can be had again.
    ///
    /// # Errors
    /// What stands in the way.
    pub(in crate::engine) fn wakes(&self, run: RunId, token: Token, bytes: &Bytes) -> Result<(), Fault> {
        bytes
            .with_kept(|kept| resume::scope(&self.def, &self.vars, run, &token, kept).map(drop))
            .unwrap_or_else(|| Err(spoilt()))
    }

    /// Whether a run is of this leg.
    pub(super) fn is_of(&self, live: &Live) -> bool {
        Arc::ptr_eq(&self.def, &live.def) && Arc::ptr_eq(&self.vars, live.scope.vars())
    }
}

impl Bytes {
    fn new(
        kind: u8,
        token: &str,
        observations: &[ObservationId],
        contents: &[u8],
        press: &mut Press,
    ) -> Self {
        let (pattern, pressed) = press.press(contents, token);
        let kind = kind | if pressed.is_some() { PRESSED } else { 0 };
        let body = pressed.unwrap_or(contents);
        let mut head = Writer::default();
        head.byte(kind);
        head.text(token);
        head.length(observations.len());
        observations.iter().for_each(|id| head.number(id.0));
        head.length(contents.len());
        Self {
            pattern,
            // Taken at its size, so that nothing is left unused behind it.
            all: [&head.0, body].concat().into(),
        }
    }

    /// What an earlier process left of a run.
    pub(in crate::engine) fn of_kept(token: &str, kept: &Kept<'_>, press: &mut Press) -> Self {
        let mut contents = Writer::default();
        contents.signed(kept.tick.0);
        contents.text(kept.plan);
        contents.byte(u8::from(kept.answer.is_some()));
        kept.answer.into_iter().for_each(|answer| contents.text(answer));
        contents.signed(kept.sent.0);
        Self::new(0, token, &[], &contents.0, press)
    }

    /// The run's token as it is on record.
    pub(in crate::engine) fn token(&self) -> Option<String> {
        let mut all = Reader(&self.all);
        all.byte()?;
        all.text()
    }

    /// Whether one of its observations is this.
    fn holds(&self, id: ObservationId) -> bool {
        let mut all = Reader(&self.all);
        let count = all.byte().and_then(|_| all.text()).and_then(|_| all.length());
        (0..count.unwrap_or(0)).any(|_| all.number() == Some(id.0))
    }

    /// How it was packed, the token, and the contents.
    fn opened(&self) -> Option<(u8, String, Vec<u8>)> {
        let mut all = Reader(&self.all);
        let kind = all.byte()?;
        let token = all.text()?;
        for _ in 0..all.length()? {
            all.number()?;
        }
        let length = usize::try_from(all.number()?).ok()?;
        let contents = if kind & PRESSED == 0 {
            all.0.to_vec()
        } else {
            self.pattern.opened(all.0, length, &token)?
        };
        Some((kind, token, contents))
    }

    /// What an earlier process left, if it is that: handed on as text.
    pub(in crate::engine) fn with_kept<T>(&self, then: impl FnOnce(&Kept<'_>) -> T) -> Option<T> {
        let (kind, _, contents) = self.opened()?;
        kept(&contents, then).filter(|_| kind & OWN == 0)
    }
}

fn kept<T>(contents: &[u8], then: impl FnOnce(&Kept<'_>) -> T) -> Option<T> {
    let mut from = Reader(contents);
    let tick = Moment(from.signed()?);
    let plan = from.text()?;
    let answer = match from.byte()? {
        0 => None,
        _ => Some(from.text()?),
    };
    Some(then(&Kept {
        tick,
        plan: &plan,
        answer: answer.as_deref(),
        sent: Moment(from.signed()?),
    }))
}

impl Packed {
    /// Lays a run to sleep.
    pub(super) fn new(run: RunId, live: &Live, share: Arc<Share>, handle: Weak<Handle>) -> Self {
        let mut contents = Writer::default();
        let token = live.token;
        contents::write(live, Whose { run, token }, &share, &mut contents);
        let ids: Vec<ObservationId> = live.observations.keys().copied().collect();
        let bytes = {
            let mut press = share.press.lock().unwrap_or_else(PoisonError::into_inner);
            Bytes::new(OWN, token.as_str(), &ids, &contents.0, &mut press)
        };
        Self { share, handle, bytes }
    }

    /// A run that was left by an earlier process, which is asleep from the start.
    pub(in crate::engine) const fn left(share: Arc<Share>, bytes: Bytes) -> Self {
        Self {
            share,
            handle: Weak::new(),
            bytes,
        }
    }

    pub(super) const fn share(&self) -> &Arc<Share> {
        &self.share
    }

    pub(super) const fn handle(&self) -> &Weak<Handle> {
        &self.handle
    }

    pub(super) fn token(&self) -> Option<Token> {
        Token::from_record(&self.bytes.token()?)
    }

    pub(super) fn holds(&self, id: ObservationId) -> bool {
        self.bytes.holds(id)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.bytes.all.len()
    }

    /// What the run held.
    ///
    /// # Errors
    /// It cannot be had again: what an earlier process left is not what this one needs.
    pub(super) fn wake(&self, run: RunId) -> Result<Live, Fault> {
        let (kind, token, contents) = self.opened()?;
        if kind & OWN == OWN {
            let whose = Whose { run, token };
            return contents::read(&mut Reader(&contents), whose, &self.share).ok_or_else(spoilt);
        }
        let share = &self.share;
        let woken = kept(&contents, |kept| {
            let scope = resume::scope(&share.def, &share.vars, run, &token, kept)?;
            Ok(resume::live(
                &share.def,
                share.sources.clone(),
                scope,
                token,
                kept,
            ))
        });
        woken.unwrap_or_else(|| Err(spoilt()))
    }

    fn opened(&self) -> Result<(u8, Token, Vec<u8>), Fault> {
        let (kind, token, contents) = self.bytes.opened().ok_or_else(spoilt)?;
        let token = Token::from_record(&token).ok_or_else(spoilt)?;
        Ok((kind, token, contents))
    }

    fn scope(&self, run: RunId) -> Result<RunScope, Fault> {
        let (kind, token, contents) = self.opened()?;
        let share = &self.share;
        if kind & OWN == OWN {
            let whose = Whose { run, token };
            return contents::read_scope(&mut Reader(&contents), whose, share).ok_or_else(spoilt);
        }
        let scope = kept(&contents, |kept| {
            resume::scope(&share.def, &share.vars, run, &token, kept)
        });
        scope.unwrap_or_else(|| Err(spoilt()))
    }
}

fn spoilt() -> Fault {
    let message = "what is held of a run that sleeps cannot be read: a bug of landfall's own";
    Fault::new(Reason::Internal, message)
}

/// The scope of a run for channels that keep it: it sleeps when the run does, and is unpacked for each use while that
/// lasts.
pub(in crate::engine) struct Handle {
    run: RunId,
    state: Mutex<State>,
}

enum State {
    Awake(RunScope),
    Asleep(Arc<Packed>),
}

impl Handle {
    pub(super) const fn awake(run: RunId, scope: RunScope) -> Self {
        Self {
            run,
            state: Mutex::new(State::Awake(scope)),
        }
    }

    /// Of a run that sleeps.
    pub(in crate::engine) const fn asleep(run: RunId, packed: Arc<Packed>) -> Self {
        Self {
            run,
            state: Mutex::new(State::Asleep(packed)),
        }
    }

    pub(super) fn wakes(&self, scope: RunScope) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Awake(scope);
    }

    pub(super) fn sleeps(&self, packed: Arc<Packed>) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Asleep(packed);
    }

    fn scope(&self) -> Result<RunScope, Fault> {
        let packed = match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Awake(scope) => return Ok(scope.clone()),
            State::Asleep(packed) => Arc::clone(packed),
        };
        packed.scope(self.run)
    }
}

impl Scope for Handle {
    fn run(&self) -> Option<RunId> {
        Some(self.run)
    }

    fn text(&self, template: &Template) -> Result<String, Fault> {
        self.scope()?.text(template)
    }

    fn json(&self, value: &Free) -> Result<Value, Fault> {
        self.scope()?.json(value)
    }

    fn holds(&self, expr: &Expr, seen: &Value) -> Result<bool, Fault> {
        self.scope()?.holds(expr, seen)
    }

    fn url(&self, template: &Template) -> Result<String, Fault> {
        self.scope()?.url(template)
    }

    fn pick(&self, expr: &Expr, seen: &Value) -> Result<Option<Value>, Fault> {
        self.scope()?.pick(expr, seen)
    }
}

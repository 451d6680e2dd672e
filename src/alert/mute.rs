//! Telling nobody for a while: by probe, route and label, until a time. What is muted is measured all the same, and what
//! is still open when that ends is told then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Fault, Moment, Reason};
use crate::store::{Keep, Store};

/// Where mutes are kept in the store.
pub const SPACE: &str = "mutes";
/// Mutes that there may be at once.
const MOST: usize = 1_000;
/// The longest reason, in characters.
const REASON: usize = 500;

/// One mute. What is left out matches everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mute {
    /// Its name; one that is set again replaces the one before.
    pub id: String,
    /// The probe.
    #[serde(default)]
    pub probe: Option<String>,
    /// The route.
    #[serde(default)]
    pub route: Option<String>,
    /// Labels that the probe must have.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Until when; `None` until somebody ends it.
    #[serde(default)]
    pub until: Option<Moment>,
    /// Since when.
    pub since: Moment,
    /// Who asked for it.
    #[serde(default)]
    pub by: String,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
}

impl Mute {
    /// Whether it has ended.
    #[must_use]
    pub fn over(&self, now: Moment) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether nothing is to be told of this now.
    #[must_use]
    pub fn covers(&self, probe: &str, route: &str, labels: &BTreeMap<String, String>, now: Moment) -> bool {
        !self.over(now)
            && self.probe.as_ref().is_none_or(|p| p == probe)
            && self.route.as_ref().is_none_or(|r| r == route)
            && self
                .labels
                .iter()
                .all(|(name, value)| labels.get(name) == Some(value))
    }
}

/// Every mute that has not ended, those that were set first first.
///
/// # Errors
/// The store does not answer.
pub async fn in_force(store: &dyn Store, now: Moment) -> Result<Vec<Mute>, Fault> {
    let kept = all(store).await?.into_iter();
    let mut mutes: Vec<Mute> = kept
        .filter_map(|(_, mute)| mute)
        .filter(|m| !m.over(now))
        .collect();
    mutes.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    Ok(mutes)
}

async fn all(store: &dyn Store) -> Result<Vec<(String, Option<Mute>)>, Fault> {
    let kept = store.kept(SPACE.to_owned()).await?.into_iter();
    Ok(kept
        .map(|(key, value)| (key, serde_json::from_value(value).ok()))
        .collect())
}

/// Every mute that has not ended; those that have are forgotten.
///
/// # Errors
/// The store does not answer.
pub async fn mutes(store: &dyn Store, now: Moment) -> Result<Vec<Mute>, Fault> {
    let all = all(store).await?;
    let over = |mute: &Option<Mute>| mute.as_ref().is_none_or(|m| m.over(now));
    let ended: Vec<Keep> = all
        .iter()
        .filter(|(_, mute)| over(mute))
        .map(|(key, _)| Keep::forget(SPACE, key.clone()))
        .collect();
    if !ended.is_empty() {
        store.keep_all(ended).await?;
    }
    Ok(all
        .into_iter()
        .filter_map(|(_, mute)| mute)
        .filter(|m| !m.over(now))
        .collect())
}

/// What has to be kept so that a mute holds beside those that are in force.
///
/// # Errors
/// It has ended already, has no id or too long a reason, or there are too many.
pub fn setting(mute: &Mute, there: &[Mute], now: Moment) -> Result<Keep, Fault> {
    let refuse = |message: String| Err(Fault::new(Reason::Input, message));
    if mute.id.is_empty() || mute.id.len() > 100 {
        return refuse(String::from("a mute needs an id of 1 to 100 bytes"));
    }
    if let Some(until) = mute.until.filter(|_| mute.over(now)) {
        return refuse(format!(
            "the mute would end at {}, which is past",
            until.to_rfc3339()
        ));
    }
    if mute.reason.chars().count() > REASON {
        return refuse(format!("the reason of a mute has at most {REASON} characters"));
    }
    if there.len() >= MOST && there.iter().all(|m| m.id != mute.id) {
        return refuse(format!(
            "there are {MOST} mutes, and no more are kept: end one first"
        ));
    }
    let value = serde_json::to_value(mute).map_err(|e| Fault::new(Reason::Internal, e.to_string()))?;
    Ok(Keep::put(SPACE, &mute.id, value))
}

/// Sets a mute, or replaces the one of its id.
///
/// # Errors
/// As [`setting`]; the store does not take it.
pub async fn mute(store: &dyn Store, mute: &Mute, now: Moment) -> Result<(), Fault> {
    let there = mutes(store, now).await?;
    store.keep_all(vec![setting(mute, &there, now)?]).await
}

/// An id for a new mute, from random bytes.
#[must_use]
pub fn fresh_id(random: [u8; 32]) -> String {
    let eight: String = random.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("m-{eight}")
}

/// Ends a mute.
///
/// # Errors
/// The store does not answer.
pub async fn unmute(store: &dyn Store, id: &str) -> Result<(), Fault> {
    store.keep(SPACE, id, None).await
}

//! The admin surface as a whole: API, pages, health.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use tokio::sync::Semaphore;

use super::auth::{Auth, Credential, guard_api, guard_pages, harden};
use super::daemon::Daemon;
use super::{api, health, metrics, pages};
use crate::clock::{Clock, Random};

/// So many follow the runs at once; one more is refused.
pub(super) const FOLLOWERS: usize = 64;

/// What the handlers share.
pub(super) type Shared = Arc<Inner>;

/// How the surface is set up.
#[derive(Clone, Debug, Default)]
pub struct SiteSettings {
    /// The declared tokens. Where there is none everybody who reaches the listener may read and operate, so it must
    /// not be [`super::exposed`].
    pub credentials: Vec<Credential>,
    /// Under which address the surface itself is reached from outside.
    pub public_url: Option<String>,
}

/// API, pages and health, to be mounted on a listener.
#[derive(Clone)]
pub struct Site(pub(super) Router);

pub(super) struct Inner {
    pub(super) daemon: Arc<dyn Daemon>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) auth: Auth,
    pub(super) followers: Arc<Semaphore>,
}

impl Site {
    /// The surface over a daemon.
    #[must_use]
    pub fn new(
        daemon: Arc<dyn Daemon>,
        settings: SiteSettings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let SiteSettings {
            credentials,
            public_url,
        } = settings;
        let shared: Shared = Arc::new(Inner {
            auth: Auth::new(credentials, public_url, Arc::clone(&clock), random),
            daemon,
            clock,
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
        });
        let api = api::router().layer(from_fn_with_state(Arc::clone(&shared), guard_api));
        let metrics = metrics::router().layer(from_fn_with_state(Arc::clone(&shared), guard_api));
        let pages = pages::router().layer(from_fn_with_state(Arc::clone(&shared), guard_pages));
        let router = api
            .merge(metrics)
            .merge(pages)
            .merge(pages::open_router())
            .merge(health::router())
            .fallback(super::surface::unmatched)
            .layer(map_response(async |response| harden(response)))
            .with_state(shared);
        Self(router)
    }
}

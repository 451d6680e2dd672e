//! The daemon's listeners: one for callbacks, and the pages, API and health beside them or on an address of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, Random};
use crate::definition::Workspace;
use crate::model::{Fault, Reason};
use crate::web::daemon::Daemon;
use crate::web::{self, Credential, HttpListener, Site, SiteSettings};

/// What listens.
pub(super) struct Listeners {
    /// Callbacks come in here.
    pub(super) channels: Arc<HttpListener>,
    /// Pages, API and health: the same where no other address is given.
    admin: Arc<HttpListener>,
    /// Where they are reached.
    pub(super) pages: String,
    /// Under which name the outside reaches them, where it does.
    public_url: Option<String>,
}

/// Binds what is asked for. It is served from now on; what is not mounted yet is answered 503 until
/// [`Listeners::mount`].
///
/// # Errors
/// An address cannot be listened on; or others than this machine would reach the pages, and no token is declared.
pub(super) async fn listen(
    workspace: &Workspace,
    (listen, public_url): (Option<SocketAddr>, Option<String>),
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<Listeners, Fault> {
    let public_url = public_url.or_else(|| workspace.public_url.clone());
    let bind = async |address: SocketAddr, public_url: Option<String>| {
        let socket = web::bind(address).await?;
        let local = socket.local_addr().unwrap_or(address);
        let settings = web::Settings {
            public_url,
            proxies: workspace.proxies.clone(),
            starting: true,
            ..web::Settings::default()
        };
        let http = HttpListener::new(local, settings, Arc::clone(clock));
        tasks.spawn(Arc::clone(&http).run(socket, stop.clone()));
        Ok::<_, Fault>((http, local))
    };
    let (channels, local) = bind(listen.unwrap_or(workspace.listen), public_url.clone()).await?;
    let shared = (Arc::clone(&channels), local, public_url);
    let (admin, at, public_url) = match workspace.admin {
        Some(address) => {
            let (admin, at) = bind(address, None).await?;
            (admin, at, None)
        }
        None => shared,
    };
    if workspace.api_tokens.is_empty() && web::exposed(at, public_url.as_deref()) {
        let how = public_url
            .as_ref()
            .map_or_else(|| at.to_string(), |url| format!("{at} and by {url}"));
        return Err(Fault::new(
            Reason::Auth,
            format!(
                "others than this machine could use the pages and the API, which are reached at {how}: declare a token \
                 (`landfall token new` prints what to write under `api:`), or give the pages an address of their own, \
                 such as `admin: 127.0.0.1:4748`"
            ),
        ));
    }
    Ok(Listeners {
        channels,
        admin,
        pages: format!("http://{at}"),
        public_url,
    })
}

impl Listeners {
    /// From now on pages, API and health are served.
    pub(super) fn mount(
        &self,
        workspace: &Workspace,
        daemon: Arc<dyn Daemon>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) {
        let credentials = workspace.api_tokens.iter().map(|token| Credential {
            name: token.name.clone(),
            hash: token.hash,
            access: token.access,
        });
        let settings = SiteSettings {
            credentials: credentials.collect(),
            public_url: self.public_url.clone(),
        };
        self.admin.serve(Site::new(daemon, settings, clock, random));
        for listener in [&self.channels, &self.admin] {
            listener.started();
        }
    }
}

//! Which handler a path goes to.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::channel::Handler;

/// Handlers by prefix. Looked up by hash and not by comparing text, so that time tells nothing about a prefix that
/// must not be guessed.
#[derive(Default)]
pub(super) struct Routes(RwLock<HashMap<String, Arc<dyn Handler>>>);

impl Routes {
    pub(super) fn mount(&self, prefix: &str, handler: Arc<dyn Handler>) {
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        routes.insert(prefix.trim_end_matches('/').to_owned(), handler);
    }

    pub(super) fn unmount(&self, prefix: &str) {
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        routes.remove(prefix.trim_end_matches('/'));
    }

    /// The handler with the longest prefix that is the path or ends at one of its slashes.
    pub(super) fn find(&self, path: &str) -> Option<Arc<dyn Handler>> {
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let deepest = routes.keys().map(String::len).max()?;
        let mut end = path.len();
        loop {
            if end <= deepest
                && let Some(handler) = routes.get(&path[..end])
            {
                return Some(Arc::clone(handler));
            }
            end = path[..end].rfind('/')?;
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<dyn Handler>> {
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        routes.values().map(Arc::clone).collect()
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;

    use super::*;
    use crate::channel::{Reply, Request};

    struct Named(usize);
    impl Handler for Named {
        fn body_limit(&self) -> usize {
            self.0
        }
        fn handle(&self, _: Request) -> BoxFuture<'_, Reply> {
            Box::pin(async { Reply::cut() })
        }
    }

    #[test]
    fn the_longest_prefix_wins_and_ends_at_a_slash() {
        let routes = Routes::default();
        for (n, prefix) in ["/c/abc", "/c/abc/deep", "/metrics/"].into_iter().enumerate() {
            routes.mount(prefix, Arc::new(Named(n)));
        }
        let found = |path: &str| routes.find(path).map(|h| h.body_limit());
        for (path, expected) in [
            ("/c/abc", Some(0)),
            ("/c/abc/", Some(0)),
            ("/c/abc/token", Some(0)),
            ("/c/abc/deep/x/y", Some(1)),
            ("/c/abc/deeper", Some(0)),
            ("/c/abcd", None),
            ("/c/", None),
            ("/", None),
            ("", None),
            ("*", None),
            ("/metrics", Some(2)),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
        routes.mount("/", Arc::new(Named(9)));
        assert_eq!(found("/"), Some(9));
        assert_eq!(found("/other"), Some(9));
        routes.unmount("/c/abc/deep/");
        assert_eq!(found("/c/abc/deep/x"), Some(0));
    }
}

//! A handler at work on one request.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::channel::Reply;

/// Works as a part of its connection, which costs no task and no wake-up. Where the connection goes first, it becomes a
/// task of its own: what has arrived is put on record also where its sender hangs up. A panic is its error.
pub(super) struct Work {
    /// `None` once it has ended or was given up.
    handling: Option<BoxFuture<'static, std::thread::Result<Reply>>>,
    tasks: TaskTracker,
}

impl Work {
    pub(super) fn new(tasks: TaskTracker, handling: impl Future<Output = Reply> + Send + 'static) -> Self {
        Self {
            handling: Some(AssertUnwindSafe(handling).catch_unwind().boxed()),
            tasks,
        }
    }

    /// Ends it where it stands.
    pub(super) fn give_up(&mut self) {
        self.handling = None;
    }
}

impl Future for Work {
    type Output = std::thread::Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(handling) = &mut self.handling else {
            return Poll::Pending;
        };
        let ended = handling.as_mut().poll(cx);
        if ended.is_ready() {
            self.handling = None;
        }
        ended
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and nothing goes on.
        if let Some(handling) = self.handling.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(self.tasks.track_future(handling.map(drop)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn work(tasks: &TaskTracker, gate: &Arc<Semaphore>, done: &Arc<Semaphore>) -> Work {
        let (gate, done) = (Arc::clone(gate), Arc::clone(done));
        Work::new(tasks.clone(), async move {
            gate.acquire().await.unwrap().forget();
            done.add_permits(1);
            Reply::text(200, "")
        })
    }

    #[tokio::test]
    async fn what_its_connection_leaves_goes_on_and_what_is_given_up_does_not() {
        let (tasks, gate, done) = (
            TaskTracker::new(),
            Arc::new(Semaphore::new(0)),
            Arc::new(Semaphore::new(0)),
        );
        let mut given_up = work(&tasks, &gate, &done);
        let mut left = work(&tasks, &gate, &done);
        assert!((&mut given_up).now_or_never().is_none());
        assert!((&mut left).now_or_never().is_none());
        given_up.give_up();
        drop(given_up);
        drop(left);
        assert_eq!(tasks.len(), 1);
        gate.add_permits(2);
        tasks.close();
        tasks.wait().await;
        assert_eq!((gate.available_permits(), done.available_permits()), (1, 1));
    }

    #[tokio::test]
    async fn a_panic_is_its_error() {
        let tasks = TaskTracker::new();
        assert!(Work::new(tasks.clone(), async { panic!("a bug") }).await.is_err());
        assert_eq!(tasks.len(), 0);
    }
}

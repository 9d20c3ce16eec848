//! An executor of a test's own: it polls only what was woken, in an order that the test chooses, and can drop a task at any
//! point.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

pub(crate) struct Tasks<'a, T>(Vec<Task<'a, T>>);

struct Task<'a, T> {
    state: State<'a, T>,
    woken: Arc<Flag>,
}

enum State<'a, T> {
    Running(Pin<Box<dyn Future<Output = T> + 'a>>),
    Done(T),
    Dropped,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a, T> Tasks<'a, T> {
    pub(crate) fn new(futures: impl IntoIterator<Item = Pin<Box<dyn Future<Output = T> + 'a>>>) -> Self {
        let woken = || Arc::new(Flag(AtomicBool::new(true)));
        Self(futures.into_iter().map(|f| Task { state: State::Running(f), woken: woken() }).collect())
    }

    /// Polls one of the woken tasks, as `choice` picks. Whether there was one.
    pub(crate) fn poll_one(&mut self, choice: usize) -> bool {
        let mut woken: Vec<_> = self.0.iter_mut().filter(|task| task.is_woken()).collect();
        let count = woken.len();
        let Some(task) = woken.get_mut(choice % count.max(1)) else { return false };
        task.woken.0.store(false, Ordering::Relaxed);
        let State::Running(future) = &mut task.state else { return false };
        let waker = Waker::from(Arc::clone(&task.woken));
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            task.state = State::Done(value);
        }
        true
    }

    /// The caller of one of them goes away.
    pub(crate) fn drop_one(&mut self, choice: usize) {
        let mut running: Vec<_> = self.0.iter_mut().filter(|task| task.is_running()).collect();
        let count = running.len();
        if let Some(task) = running.get_mut(choice % count.max(1)) {
            task.state = State::Dropped;
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.0.iter().any(Task::is_running)
    }

    pub(crate) fn running(&self) -> usize {
        self.0.iter().filter(|task| task.is_running()).count()
    }

    /// Goes on until all are done, `tick` moving the world when nobody is awake.
    ///
    /// # Panics
    /// Where nobody is awake and nothing moves: a wake-up was lost.
    pub(crate) fn finish(&mut self, tick: impl Fn() -> bool) {
        while self.is_running() {
            if !self.poll_one(0) {
                assert!(tick() || self.0.iter().any(Task::is_woken), "everybody waits for nothing");
            }
        }
    }

    pub(crate) fn results(self) -> Vec<T> {
        let done = |task: Task<'a, T>| match task.state {
            State::Done(value) => Some(value),
            _ => None,
        };
        self.0.into_iter().filter_map(done).collect()
    }
}

impl<T> Task<'_, T> {
    fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    fn is_woken(&self) -> bool {
        self.is_running() && self.woken.0.load(Ordering::Relaxed)
    }
}

//! A wake-up from one call of an object to another that waits: the engine for deliveries, a listener for events.
//!
//! It carries nothing and keeps nothing: who is woken looks for himself, and whoever began to wait before the wake-up is woken,
//! be it between two polls.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A handle: all copies are one signal.
#[derive(Clone, Default)]
pub(in crate::org) struct Signal(Rc<State>);

#[derive(Default)]
struct State {
    /// How often it was woken.
    woken: Cell<u64>,
    /// How many have begun to wait.
    begun: Cell<u64>,
    waiting: RefCell<BTreeMap<u64, Waker>>,
}

impl Signal {
    /// Wakes everybody who waits.
    pub(in crate::org) fn wake(&self) {
        self.0.woken.set(self.0.woken.get() + 1);
        // Taken first: who is woken may wait again at once.
        for waker in self.0.waiting.take().into_values() {
            waker.wake();
        }
    }

    /// Waits for the next [`Self::wake`] from here on, not from its first poll on. It borrows nothing: it may be held while
    /// other calls run.
    pub(in crate::org) fn woken(&self) -> Woken {
        let number = self.0.begun.get();
        self.0.begun.set(number + 1);
        Woken { signal: self.clone(), number, seen: self.0.woken.get() }
    }
}

/// The future of [`Signal::woken`].
pub(in crate::org) struct Woken {
    signal: Signal,
    number: u64,
    seen: u64,
}

impl Future for Woken {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let state = &self.signal.0;
        if state.woken.get() != self.seen {
            return Poll::Ready(());
        }
        state.waiting.borrow_mut().insert(self.number, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        self.signal.0.waiting.borrow_mut().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_executor::block_on;
    use futures_util::FutureExt as _;
    use futures_util::future::join3;

    #[test]
    fn who_waits_is_woken_once() {
        let signal = Signal::default();
        let (first, second) = (signal.woken(), signal.clone().woken());
        block_on(join3(first, second, async { signal.wake() }));
        assert!(signal.woken().now_or_never().is_none());
    }

    #[test]
    fn a_wake_up_before_the_first_poll_is_not_lost() {
        let signal = Signal::default();
        let woken = signal.woken();
        signal.wake();
        assert!(woken.now_or_never().is_some());
    }

    #[test]
    fn who_gives_up_leaves_nothing() {
        let signal = Signal::default();
        for _ in 0..3 {
            assert!(signal.woken().now_or_never().is_none());
        }
        assert!(signal.0.waiting.borrow().is_empty());
    }
}

//! A sign of life while something takes long.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// What is done within this time needs no sign.
const PATIENCE: Duration = Duration::from_millis(400);

/// How often the sign moves.
const TICK: Duration = Duration::from_millis(120);

/// Shows on stderr what is being done, from a moment after it was made until it is dropped.
pub(super) struct Busy {
    done: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Busy {
    /// Returns a sign that says nothing.
    pub(super) const fn silent() -> Self {
        Self { done: None }
    }

    /// Returns a sign with a verb and its object.
    pub(super) fn new(verb: &str, message: &str) -> Self {
        let (sender, receiver) = mpsc::channel::<()>();
        let (verb, message) = (verb.to_owned(), message.to_owned());
        let shown = thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let style = ProgressStyle::with_template("{prefix:>12.cyan.bold} {msg} {spinner} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style).with_prefix(verb).with_message(message);
            bar.enable_steady_tick(TICK);
            // Whatever ends the waiting, the work is over.
            let _ = receiver.recv();
            bar.finish_and_clear();
        });
        Self { done: Some((sender, shown)) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some((sender, shown)) = self.done.take() {
            drop(sender);
            // A sign that failed is no reason to fail.
            let _ = shown.join();
        }
    }
}

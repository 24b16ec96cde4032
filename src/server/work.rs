//! Work in a thread of its own that ends when nobody waits for it any more: a client may go away, and what it asked for would
//! keep a processor, and others from their turn.

use std::sync::{Arc, Weak};

use tokio::task::{JoinError, spawn_blocking};

/// Whether somebody still waits for the result.
#[derive(Debug, Clone)]
pub(super) struct Wanted(Weak<()>);

impl Wanted {
    /// True as long as somebody does.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// Does work that may take its time, and asks now and then whether it is still wanted.
pub(super) async fn while_wanted<T: Send + 'static>(
    work: impl FnOnce(&Wanted) -> T + Send + 'static,
) -> Result<T, JoinError> {
    let waits = Arc::new(());
    let wanted = Wanted(Arc::downgrade(&waits));
    let done = spawn_blocking(move || work(&wanted)).await;
    drop(waits);
    done
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn work_ends_when_nobody_waits_for_it() {
        assert_eq!(while_wanted(|wanted| (wanted.is_wanted(), 7)).await.unwrap(), (true, 7));

        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let waiting = tokio::spawn(while_wanted(move |wanted| {
            begin.send(()).unwrap();
            while wanted.is_wanted() {
                std::thread::yield_now();
            }
            end.send(()).unwrap();
        }));
        let limit = Duration::from_secs(30);
        spawn_blocking(move || begun.recv_timeout(limit)).await.unwrap().unwrap();
        waiting.abort();
        spawn_blocking(move || ended.recv_timeout(limit)).await.unwrap().unwrap();
    }
}

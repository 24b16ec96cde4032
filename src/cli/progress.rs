//! What a person sees while the network is slow.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::output::Console;
use crate::client::net::Slow;

/// For the clients: a spinner on a terminal, elsewhere one plain line in the life of the command.
pub(crate) fn slow(console: Console) -> Slow {
    let told = AtomicBool::new(false);
    Arc::new(move |line| {
        let again = told.swap(true, Ordering::Relaxed);
        if again && !console.is_terminal() {
            return Box::new(()) as Box<dyn Any + Send>;
        }
        Box::new(console.spinner(line))
    })
}

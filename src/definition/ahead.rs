//! Reads YAML on a thread of its own, ahead of what is built from it: reading is two fifths of loading.

use std::sync::mpsc;

use super::load::STACK;
use super::yaml::{self, Reading};

/// So many files are read and not yet built from.
const AHEAD: usize = 8;

/// Hands over every text, by its number and in order, with what reading it gave.
pub(super) fn each(texts: &[(u16, String)], mut take: impl FnMut(&(u16, String), Reading)) {
    std::thread::scope(|scope| {
        let (send, readings) = mpsc::sync_channel(AHEAD);
        let read = move || {
            for (file, text) in texts {
                if send.send(yaml::read(text, *file)).is_err() {
                    return;
                }
            }
        };
        if texts.len() > 1 {
            // Where no thread can be had, nothing is received below.
            let named = std::thread::Builder::new().name(String::from("yaml"));
            drop(named.stack_size(STACK).spawn_scoped(scope, read));
        } else {
            drop(read);
        }
        for text in texts {
            let reading = readings.recv().unwrap_or_else(|_| yaml::read(&text.1, text.0));
            take(text, reading);
        }
    });
}

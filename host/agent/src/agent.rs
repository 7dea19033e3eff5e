//! An agent: a model, what it is to be, the tools that it may call, and how much of everything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::memory::Memory;
use crate::model::Model;
use crate::redaction::Redaction;
use crate::toolbox::Toolbox;
use crate::turn::{Approvals, Offer};

/// Lists of tools for which it is kept what can be offered of them.
const KEPT: usize = 8;

/// One agent of the configuration.
#[derive(Debug)]
pub struct Agent {
    /// Its name.
    pub id: String,
    /// What it is to be, in its owner's words.
    pub soul: String,
    /// What answers.
    pub model: Arc<dyn Model>,
    /// What it may call.
    pub toolbox: Arc<dyn Toolbox>,
    /// Which calls wait for a yes.
    pub approvals: Approvals,
    /// Its notes, if it keeps any.
    pub memory: Option<Arc<Memory>>,
    /// What is cut from everything that it is told.
    pub redaction: Arc<Redaction>,
    /// What ends a turn.
    pub limits: Limits,
    /// Of the lists that were asked for last: whoever speaks to it may have one of their own.
    offers: Mutex<Vec<Arc<Offer>>>,
}

/// What ends a turn, and what is passed on of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Answers of the model.
    pub steps: u32,
    /// Tokens, of questions and answers together.
    pub tokens: u64,
    /// Millionths of a dollar; no limit where it is none.
    pub cost: Option<u64>,
    /// Time, in which the person's own is counted too.
    pub time: Duration,
    /// Bytes of one result that the model is told.
    pub result_bytes: usize,
    /// Calls of one answer that run at once.
    pub calls_at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 50,
            tokens: 1_000_000,
            cost: None,
            time: Duration::from_secs(30 * 60),
            result_bytes: 32 << 10,
            calls_at_once: 8,
        }
    }
}

impl Agent {
    /// An agent without memory, by the strictest rules, from which what has the shape of a secret is kept.
    #[must_use]
    pub fn new(id: String, soul: String, model: Arc<dyn Model>, toolbox: Arc<dyn Toolbox>) -> Self {
        Self {
            id,
            soul,
            model,
            toolbox,
            approvals: Approvals::default(),
            memory: None,
            redaction: Arc::default(),
            limits: Limits::default(),
            offers: Mutex::default(),
        }
    }

    /// What can be offered of the tools as they are now: made once for each list of them.
    pub(crate) fn offer(&self) -> Arc<Offer> {
        let tools = self.toolbox.tools();
        let mut kept = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offer) = kept.iter().find(|offer| offer.is_of(&tools)) {
            return Arc::clone(offer);
        }
        let offer = Arc::new(Offer::make(tools));
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(Arc::clone(&offer));
        offer
    }
}

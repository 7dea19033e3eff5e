//! `models.yaml`: which model answers a question, what is done when it does not, and what it costs.
//!
//! ```text
//! file     what is written                  route    which models may answer, and in which order
//! check    whether it makes sense           ask      one after another, each again, until one answers
//! lane     limits, and the queue before     breaker  sparing a model that keeps failing
//! cache    answers that were paid for       price    what tokens cost
//! ```

mod ask;
mod breaker;
mod cache;
mod check;
mod file;
mod lane;
mod price;
mod route;
mod size;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use url::Url;
use zeroize::Zeroizing;

use breaker::Breaker;
use cache::Cache;
use check::{At, KNOWN, Member, ModelPlan, Plan, ProviderPlan};
use file::{BreakerRule, RetryRule, Written};
use lane::Lane;
use route::Route;

pub use check::AUTO;
pub use price::Dollars;

use crate::model::{Model, Usage};
use crate::provider::{Format, Provider};
use crate::yaml::Problem;

/// Bytes of the file that are read.
const MOST_BYTES: u64 = 1 << 20;

/// What `models.yaml` says, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelsFile(Plan);

/// The providers that need not be named: their names, and the variables of the keys of those that have one.
pub fn known_providers() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    KNOWN.into_iter().map(|(name, .., key)| (name, key))
}

/// How a provider is reached.
pub struct Access {
    /// Its format.
    pub format: Format,
    /// What its paths are appended to.
    pub url: Url,
    /// What it knows its customer by.
    pub key: Option<Zeroizing<String>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Access({:?} at {}, {})",
            self.format,
            self.url,
            if self.key.is_some() { "key" } else { "no key" }
        )
    }
}

/// What models are made from: keys, and the ways to providers.
pub trait Surroundings {
    /// What a variable holds, in `.env` or the environment; nothing, where it is empty.
    fn variable(&self, name: &str) -> Option<Zeroizing<String>>;

    /// A way to a provider.
    ///
    /// # Errors
    /// Why there is none, without a word of the key.
    fn connect(&self, access: Access) -> Result<Arc<dyn Provider>, String>;
}

/// Why there are no models.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelsError {
    /// The file cannot be obeyed: where and why.
    #[error("{0}")]
    Invalid(String),
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// Which one.
        path: String,
        /// Why.
        reason: String,
    },
    /// A provider that a model needs cannot be asked without a variable.
    #[error("the model {model} needs {variable}, which is neither in .env nor in the environment")]
    NoVariable {
        /// The model.
        model: String,
        /// The variable.
        variable: String,
    },
    /// There is no way to a provider.
    #[error("the provider {provider} cannot be used: {reason}")]
    Provider {
        /// The provider.
        provider: String,
        /// Why.
        reason: String,
    },
}

impl ModelsFile {
    /// Reads a file; nothing, where there is none.
    ///
    /// # Errors
    /// It cannot be read, or not all of it can be obeyed.
    pub fn load(path: &Path) -> Result<Option<Self>, ModelsError> {
        let unreadable = |error: std::io::Error| ModelsError::Unreadable {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mut text = String::new();
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MOST_BYTES {
            let reason = format!("it is longer than {MOST_BYTES} bytes");
            return Err(ModelsError::Invalid(Problem::new(None, reason).at(path).to_string()));
        }
        Self::parse(&text, path).map(Some)
    }

    /// Reads the text of a file that is said to be at `path`.
    ///
    /// # Errors
    /// Not all of it can be obeyed.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ModelsError> {
        // No line of the file is shown: there may be a key in it, though there must not.
        let invalid = |problem: Problem| ModelsError::Invalid(problem.at(path).to_string());
        let written = if text.trim().is_empty() {
            Written::default()
        } else {
            serde_saphyr::from_str(text).map_err(|error| invalid(Problem::read(&error, |_, _| None)))?
        };
        check::all(written).map(Self).map_err(invalid)
    }

    /// One model of a provider that need not be named, called as the provider calls it: what is there without a file.
    ///
    /// # Errors
    /// There is no such provider.
    pub fn of_one(provider: &str, model: &str) -> Result<Self, ModelsError> {
        let plan = check::one(provider, model);
        plan.map(Self).map_err(|problem| ModelsError::Invalid(problem.at(Path::new("claw")).to_string()))
    }
}

/// Models by their names. A value: a new file makes a new one, and questions that are on their way stay with the old.
#[derive(Clone, Debug)]
pub struct Models(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Vec<Arc<Entry>>,
    routes: Vec<Route>,
    names: BTreeMap<String, Member>,
    retries: RetryRule,
    breaker: BreakerRule,
    cache: Option<Cache>,
}

/// A model, and what is known of it.
#[derive(Debug)]
struct Entry {
    plan: ModelPlan,
    provider: Arc<dyn Provider>,
    breaker: Arc<Breaker>,
    lane: Arc<Lane>,
    totals: Arc<Mutex<Totals>>,
}

/// What became of the questions to a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How often it was asked.
    pub asked: u64,
    /// How often it answered.
    pub answers: u64,
    /// How often it failed.
    pub failures: u64,
    /// How often it was asked anew after a failure.
    pub retries: u64,
    /// Questions that found no place in its queue.
    pub busy: u64,
    /// Questions whose answer was kept.
    pub cached: u64,
    /// The tokens, those of answers that broke off included.
    pub usage: Usage,
    /// What they cost, in millionths of a dollar.
    pub cost: u64,
    /// Whether it is spared, since it kept failing.
    pub spared: bool,
}

/// One or several models, to be asked.
#[derive(Debug)]
struct Chosen {
    inner: Arc<Inner>,
    selection: Member,
    /// The longest of all their contexts.
    context: u64,
    /// Whether any of them can ask for calls.
    calls_tools: bool,
}

impl Models {
    /// The models of a file. What `before` knows of those that are still the same, this one goes on to know.
    ///
    /// # Errors
    /// A key is missing, or there is no way to a provider.
    pub fn new(
        file: &ModelsFile,
        surroundings: &dyn Surroundings,
        before: Option<&Self>,
    ) -> Result<Self, ModelsError> {
        let Plan { models, routes, retries, breaker, cache } = file.0.clone();
        let mut providers: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
        let mut entries = Vec::with_capacity(models.len());
        for plan in models {
            let provider = match providers.get(&plan.provider.name) {
                Some(provider) => Arc::clone(provider),
                None => connect(&plan, surroundings)?,
            };
            providers.insert(plan.provider.name.clone(), Arc::clone(&provider));
            entries.push(Arc::new(Entry::new(plan, provider, before)));
        }
        let models = entries.iter().enumerate();
        let models = models.map(|(index, entry)| (entry.plan.name.clone(), Member::Model(index)));
        let named =
            routes.iter().enumerate().map(|(index, route)| (route.name.clone(), Member::Route(index)));
        let names = models.chain(named).collect();
        let routes = routes.into_iter().map(Route::new).collect();
        let cache = cache.map(Cache::new);
        Ok(Self(Arc::new(Inner { entries, routes, names, retries, breaker, cache })))
    }

    /// The model or the route of a name; `auto` is all models together.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<Arc<dyn Model>> {
        let selection = *self.0.names.get(name)?;
        let plans = self.0.all(selection);
        let context = plans.iter().map(|plan| plan.context).max().unwrap_or(0);
        let calls_tools = plans.iter().any(|plan| plan.tools);
        Some(Arc::new(Chosen { inner: Arc::clone(&self.0), selection, context, calls_tools }))
    }

    /// The first model of a name whose price is not known: what it costs is counted as nothing.
    #[must_use]
    pub fn unpriced(&self, name: &str) -> Option<&str> {
        let plans = self.0.all(*self.0.names.get(name)?);
        plans.into_iter().find(|plan| plan.price.is_none()).map(|plan| plan.name.as_str())
    }

    /// The names of all models and routes, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names.keys().map(String::as_str)
    }

    /// What became of the questions to each model, since the process began.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<String, Totals> {
        let of = |entry: &Arc<Entry>| {
            let totals = *entry.totals.lock().unwrap_or_else(PoisonError::into_inner);
            (entry.plan.name.clone(), Totals { spared: entry.breaker.refuses().is_some(), ..totals })
        };
        self.0.entries.iter().map(of).collect()
    }
}

impl Entry {
    fn new(plan: ModelPlan, provider: Arc<dyn Provider>, before: Option<&Models>) -> Self {
        let is_same = |other: &&Arc<Self>| {
            let other = &other.plan;
            other.name == plan.name && other.model == plan.model && other.provider == plan.provider
        };
        let same = before.and_then(|before| before.0.entries.iter().find(is_same));
        let lane = same.map(|same| &same.lane).filter(|lane| lane.rule() == plan.limits).cloned();
        Self {
            lane: lane.unwrap_or_else(|| Arc::new(Lane::new(plan.limits))),
            breaker: same.map(|same| Arc::clone(&same.breaker)).unwrap_or_default(),
            totals: same.map(|same| Arc::clone(&same.totals)).unwrap_or_default(),
            plan,
            provider,
        }
    }

    fn count(&self, change: impl FnOnce(&mut Totals)) {
        change(&mut self.totals.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn connect(plan: &ModelPlan, surroundings: &dyn Surroundings) -> Result<Arc<dyn Provider>, ModelsError> {
    let ProviderPlan { name, format, at, key } = &plan.provider;
    let variable = |variable: &str| {
        let none = || ModelsError::NoVariable { model: plan.name.clone(), variable: variable.to_owned() };
        surroundings.variable(variable).ok_or_else(none)
    };
    let failed = |reason: String| ModelsError::Provider { provider: name.clone(), reason };
    let url = match at {
        At::Url(url) => url.clone(),
        At::Variable(name) => {
            check::base_url(&variable(name)?).map_err(|reason| failed(format!("{name} {reason}")))?
        }
    };
    let key = key.as_deref().map(variable).transpose()?;
    surroundings.connect(Access { format: *format, url, key }).map_err(failed)
}

//! Whether what `models.yaml` says makes sense, and what follows from it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Spanned;
use url::{Host, Url};

use super::file::{
    BreakerRule, CacheRule, Capability, LimitRule, ModelEntry, Order, ProviderEntry, RetryRule, RouteEntry,
    Speed, Written, is_model_name, usual_context, usual_output,
};
use super::price::{Dollars, Price};
use super::route::cost;
use crate::provider::{Features, Format};
use crate::yaml::{Place, Problem, unknown};

/// The name of all models together.
pub const AUTO: &str = "auto";
/// Most providers, and most models and routes together.
const MOST_NAMES: usize = 256;
/// Most models of a route, those of routes in it included.
const MOST_MEMBERS: usize = 256;
/// Most bytes of a name in the file.
const NAME_LEN: usize = 64;
/// Most bytes of a variable's name without a `_`: what is longer is a key.
const PLAIN_LEN: usize = 20;

/// Providers that need not be named: name, format, where they are or the variable that says so, and the variable of their key.
pub(super) const KNOWN: [(&str, Format, &str, Option<&str>); 5] = [
    ("anthropic", Format::Anthropic, "https://api.anthropic.com", Some("ANTHROPIC_API_KEY")),
    ("groq", Format::OpenAi, "https://api.groq.com/openai/v1", Some("GROQ_API_KEY")),
    ("local", Format::OpenAi, "LOCAL_LLM_URL", None),
    ("ollama", Format::Ollama, "http://127.0.0.1:11434", None),
    ("openai", Format::OpenAi, "https://api.openai.com/v1", Some("OPENAI_API_KEY")),
];

/// All that `models.yaml` says, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) models: Vec<ModelPlan>,
    pub(super) routes: Vec<RoutePlan>,
    pub(super) retries: RetryRule,
    pub(super) breaker: BreakerRule,
    pub(super) cache: Option<CacheRule>,
}

/// How a provider is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProviderPlan {
    pub(super) name: String,
    pub(super) format: Format,
    pub(super) at: At,
    /// The variable of its key.
    pub(super) key: Option<String>,
}

/// Where a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    Url(Url),
    /// Where a variable says.
    Variable(&'static str),
}

/// A model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelPlan {
    pub(super) name: String,
    pub(super) provider: ProviderPlan,
    pub(super) model: String,
    pub(super) tools: bool,
    pub(super) streaming: bool,
    pub(super) context: u64,
    pub(super) max_output: u32,
    pub(super) price: Option<Price>,
    pub(super) priority: i32,
    pub(super) speed: Speed,
    pub(super) limits: LimitRule,
}

impl ModelPlan {
    /// As providers are told.
    pub(super) fn features(&self) -> Features {
        let Self { tools, streaming, max_output, context, .. } = *self;
        Features { streaming, tools, max_tokens: max_output, context }
    }
}

/// A route. None is part of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoutePlan {
    pub(super) name: String,
    pub(super) members: Vec<Member>,
    pub(super) order: Order,
    /// The most that one question may cost. A model whose price is not known is not asked then.
    pub(super) most_cost: Option<Dollars>,
}

/// Part of a route: a model or another route, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Model(usize),
    Route(usize),
}

/// One model of a provider that need not be named.
///
/// # Errors
/// There is no such provider, or its models cannot be called so.
pub(super) fn one(provider: &str, model: &str) -> Result<Plan, Problem> {
    if !is_model_name(model) {
        return Err(Problem::new(None, format!("no model can be called {model:?}")));
    }
    let Some(provider) = known(provider) else {
        return Err(Problem::new(None, no_provider(provider, &BTreeMap::new())));
    };
    let model = ModelPlan {
        name: model.to_owned(),
        context: usual_context(provider.format),
        provider,
        model: model.to_owned(),
        tools: true,
        streaming: true,
        max_output: usual_output(),
        price: None,
        priority: 0,
        speed: Speed::default(),
        limits: LimitRule::default(),
    };
    let models = vec![model];
    Ok(Plan { routes: vec![auto(&models)], models, ..Plan::default() })
}

/// All of a file.
///
/// # Errors
/// What makes no sense, with its place.
pub(super) fn all(written: Written) -> Result<Plan, Problem> {
    let Written { providers, models, routes, retries, breaker, cache, .. } = written;
    if providers.len() > MOST_NAMES || models.len() + routes.len() > MOST_NAMES {
        return Err(Problem::new(None, format!("there are more than {MOST_NAMES} names")));
    }
    if retries.first_delay > retries.most_delay {
        return Err(Problem::new(None, "retries.first_delay is longer than retries.most_delay"));
    }
    let providers: BTreeMap<String, ProviderPlan> = providers
        .into_iter()
        .map(|(name, entry)| Ok((name.clone(), provider(name, entry)?)))
        .collect::<Result<_, Problem>>()?;
    let names = names(&models, &routes)?;
    let models: Vec<_> =
        models.into_iter().map(|(name, entry)| model(name, entry, &providers)).collect::<Result<_, _>>()?;
    let places: Vec<_> = routes.values().map(|entry| Place::of(entry.referenced)).collect();
    let mut routes: Vec<_> = routes
        .into_iter()
        .map(|(name, entry)| route(name, entry, &names, &models))
        .collect::<Result<_, _>>()?;
    bounded(&routes, &places)?;
    if !models.is_empty() {
        routes.push(auto(&models));
    }
    Ok(Plan { models, routes, retries, breaker, cache })
}

fn provider(name: String, entry: Spanned<ProviderEntry>) -> Result<ProviderPlan, Problem> {
    check_name(&name, Place::of(entry.referenced))?;
    let ProviderEntry { format, url, key, insecure } = entry.value;
    if let Some(key) = &key
        && !is_variable(&key.value)
    {
        // Whatever stands there may be a key: it is not repeated.
        let reason = format!(
            "the key of {name} is not the name of a variable: write the key into .env as NAME=value, and NAME here"
        );
        return Err(Problem::new(Place::of(key.referenced), reason));
    }
    let place = Place::of(url.referenced);
    let url =
        base_url(&url.value).map_err(|reason| Problem::new(place, format!("the url of {name} {reason}")))?;
    if key.is_some() && url.scheme() == "http" && !is_loopback(&url) && !insecure {
        let reason =
            format!("the key of {name} would be sent in the clear; use https, or say insecure: true");
        return Err(Problem::new(place, reason));
    }
    Ok(ProviderPlan { name, format, at: At::Url(url), key: key.map(|key| key.value) })
}

/// The address that a provider's paths are appended to.
///
/// # Errors
/// What is wrong with it, without a word of it.
pub(super) fn base_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("is no http or https URL");
    }
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !is_plain || url.query().is_some() || url.fragment().is_some() {
        return Err("has a user, a password, a query or a fragment");
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether it is what a variable is called, and not what one holds.
fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && text.len() <= NAME_LEN
        && (text.contains('_') || text.len() <= PLAIN_LEN)
}

fn known(name: &str) -> Option<ProviderPlan> {
    let (_, format, url, key) = KNOWN.into_iter().find(|(known, ..)| *known == name)?;
    let (at, key) = (base_url(url).map_or(At::Variable(url), At::Url), key.map(str::to_owned));
    Some(ProviderPlan { name: name.to_owned(), format, at, key })
}

fn no_provider(name: &str, providers: &BTreeMap<String, ProviderPlan>) -> String {
    let named = providers.keys().map(String::as_str);
    let known: Vec<&str> = KNOWN.iter().map(|(known, ..)| *known).chain(named).collect();
    unknown("provider", name, &known)
}

fn model(
    name: String,
    entry: Spanned<ModelEntry>,
    providers: &BTreeMap<String, ProviderPlan>,
) -> Result<ModelPlan, Problem> {
    let entry = entry.value;
    let wanted = &entry.provider.value;
    let provider =
        providers.get(wanted).cloned().or_else(|| known(wanted)).ok_or_else(|| {
            Problem::new(Place::of(entry.provider.referenced), no_provider(wanted, providers))
        })?;
    Ok(ModelPlan {
        name,
        context: entry.context.map_or_else(|| usual_context(provider.format), u64::from),
        provider,
        model: entry.model,
        tools: entry.capabilities.contains(&Capability::Tools),
        streaming: entry.capabilities.contains(&Capability::Streaming),
        max_output: entry.max_output,
        price: entry.cost,
        priority: entry.priority,
        speed: entry.speed,
        limits: entry.limits,
    })
}

fn check_name(name: &str, place: Option<Place>) -> Result<(), Problem> {
    let fits = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= NAME_LEN
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte));
    if fits {
        return Ok(());
    }
    let reason = format!(
        "a name is at most {NAME_LEN} of a-z, A-Z, 0-9, -, _, ., : and /, and begins with a letter or a digit"
    );
    Err(Problem::new(place, reason))
}

/// The names of models and routes, which are one set.
fn names(
    models: &BTreeMap<String, Spanned<ModelEntry>>,
    routes: &BTreeMap<String, Spanned<RouteEntry>>,
) -> Result<BTreeMap<String, Member>, Problem> {
    let models = models.iter().enumerate().map(|(i, (name, e))| (name, e.referenced, Member::Model(i)));
    let routes = routes.iter().enumerate().map(|(i, (name, e))| (name, e.referenced, Member::Route(i)));
    let mut names = BTreeMap::new();
    for (name, location, member) in models.chain(routes) {
        let place = Place::of(location);
        check_name(name, place)?;
        if name == AUTO {
            return Err(Problem::new(place, format!("{AUTO} is the name of all models together")));
        }
        if names.insert(name.clone(), member).is_some() {
            return Err(Problem::new(place, format!("{name} is a model and a route")));
        }
    }
    Ok(names)
}

fn route(
    name: String,
    entry: Spanned<RouteEntry>,
    names: &BTreeMap<String, Member>,
    models: &[ModelPlan],
) -> Result<RoutePlan, Problem> {
    let place = Place::of(entry.referenced);
    let RouteEntry { models: named, capabilities, order, most_cost } = entry.value;
    let mut members = match named {
        None => by_rank(models),
        Some(named) => named_members(&name, &named, names)?,
    };
    if members.is_empty() {
        return Err(Problem::new(place, format!("the route {name} has no models")));
    }
    if !capabilities.is_empty() && members.iter().any(|member| matches!(member, Member::Route(_))) {
        let reason = format!("the route {name} has a route in it: say capabilities there");
        return Err(Problem::new(place, reason));
    }
    members.retain(|member| {
        let Member::Model(index) = member else { return true };
        models
            .get(*index)
            .is_some_and(|plan| can(plan, &capabilities) && (most_cost.is_none() || plan.price.is_some()))
    });
    if members.is_empty() {
        let reason =
            format!("no model of the route {name} has the capabilities, and a cost where most_cost is said");
        return Err(Problem::new(place, reason));
    }
    Ok(RoutePlan { name, members, order, most_cost })
}

/// All models together.
fn auto(models: &[ModelPlan]) -> RoutePlan {
    RoutePlan { name: AUTO.to_owned(), members: by_rank(models), order: Order::default(), most_cost: None }
}

/// All models, the one of the highest priority first, and of the same priority the cheapest.
fn by_rank(models: &[ModelPlan]) -> Vec<Member> {
    let mut ranked: Vec<_> = models.iter().enumerate().collect();
    ranked.sort_by_key(|(_, plan)| (Reverse(plan.priority), cost(plan)));
    ranked.into_iter().map(|(index, _)| Member::Model(index)).collect()
}

/// Whether a model can do all of these.
fn can(plan: &ModelPlan, capabilities: &BTreeSet<Capability>) -> bool {
    capabilities.iter().all(|capability| match capability {
        Capability::Tools => plan.tools,
        Capability::Streaming => plan.streaming,
    })
}

/// The models and routes that a route names.
fn named_members(
    name: &str,
    models: &[Spanned<String>],
    names: &BTreeMap<String, Member>,
) -> Result<Vec<Member>, Problem> {
    let mut members = Vec::with_capacity(models.len().min(MOST_MEMBERS));
    for named in models {
        let place = Place::of(named.referenced);
        let Some(member) = names.get(&named.value) else {
            let known: Vec<&str> = names.keys().map(String::as_str).collect();
            return Err(Problem::new(place, unknown("model or route", &named.value, &known)));
        };
        if members.contains(member) {
            return Err(Problem::new(place, format!("{} is in the route {name} twice", named.value)));
        }
        members.push(*member);
    }
    Ok(members)
}

/// Refuses routes that lead back to themselves, and those that grow beyond reason through others.
fn bounded(routes: &[RoutePlan], places: &[Option<Place>]) -> Result<(), Problem> {
    // How many models each route comes to, in rounds: in each, at least one of those that are no cycle is settled.
    let mut sizes: Vec<Option<usize>> = vec![None; routes.len()];
    for _ in 0..routes.len() {
        for (index, route) in routes.iter().enumerate() {
            let size = route.members.iter().try_fold(0_usize, |sum, member| match member {
                Member::Model(_) => Some(sum.saturating_add(1)),
                Member::Route(other) => Some(sum.saturating_add(sizes.get(*other).copied().flatten()?)),
            });
            if let Some(settled) = sizes.get_mut(index) {
                *settled = size;
            }
        }
    }
    for ((route, size), place) in routes.iter().zip(sizes).zip(places) {
        let reason = match size {
            None => format!("the route {} leads in a circle", route.name),
            Some(size) if size > MOST_MEMBERS => {
                format!("the route {} comes to more than {MOST_MEMBERS} models", route.name)
            }
            Some(_) => continue,
        };
        return Err(Problem::new(*place, reason));
    }
    Ok(())
}

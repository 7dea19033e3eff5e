//! Lets models call tools: a model asks, the loop dispatches into the sandbox, the model goes on.
//!
//! ```text
//! model        what is said between the loop and a model, in no provider's format
//! provider     the formats: Anthropic, OpenAI and whoever speaks like it, Ollama
//! models       models.yaml: which model answers, what is done when it does not, and what it costs
//! skill_model  a model, for the skills that may ask one
//! toolbox      the tools that an agent may call, and the one way to call one
//! human        the person behind a session: approvals and answers
//! scope        some tools, by patterns of their names
//! turn         the loop
//! session      conversations: one turn at a time in each, durable, resumed after a crash
//! agents       an agent's parts together, and the one way to say something to it
//! memory       what is kept from one conversation for another, in files that a person can read
//! redaction    what is cut from all that is logged, remembered or said to a model
//! trigger      tools that are called by a schedule or by a word
//! ```
//!
//! It knows the runtime; no command line, no server and no configuration file but `models.yaml`. Whoever embeds it hands over
//! a [`Toolbox`](toolbox::Toolbox) and a [`Model`](model::Model).

pub mod agent;
pub mod agents;
pub mod event;
pub mod flat_name;
pub mod human;
pub mod memory;
pub mod model;
pub mod models;
pub mod provider;
pub mod redaction;
pub mod scope;
pub mod session;
pub mod skill_model;
pub mod text;
pub mod toolbox;
pub mod trigger;
pub mod turn;
pub mod yaml;

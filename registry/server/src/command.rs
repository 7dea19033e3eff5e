//! What an operator types: the arguments and what is done with them. Reports are values; whoever runs them shows them.

mod admin;
mod logging;
mod report;
mod serve;

pub use admin::{
    Admin, Backup, CreatePublisher, IssueToken, ListPublishers, ListTokens, Publisher, Restore, RevokeToken,
    RootCommand, RotateRoot, ShowRoot, TakeDown, Token, Verify,
};
pub use logging::{LogFormat, log_to_stderr};
pub use report::Report;
pub use serve::{Ready, Serve, stop_signal};

//! Publishers, as an operator knows them: created, and looked for by name.

use jiff::Timestamp;
use openclaw_package::PublisherName;
use openclaw_package::registry::History;
use sqlx::AnyConnection;

use super::Registry;
use crate::error::{Refusal, Result};
use crate::store::accounts;

impl Registry {
    /// Creates a publisher.
    ///
    /// # Errors
    ///
    /// One of that name, or of one that looks like it, is there.
    pub async fn create_publisher(&self, publisher: &PublisherName) -> Result<()> {
        let mut write = self.store().write().await?;
        if accounts::history(write.connection(), publisher).await?.is_some() {
            let fact = format!("{publisher} is registered already");
            let words = format!("token issue '{publisher}/*' --scope SCOPE");
            let hint = format!("a token for it is issued by `{}`", self.command(&words));
            return Err(Refusal::operator("publisher-exists", fact, hint).into());
        }
        let history = History::new(write.head.origin.clone(), publisher.clone());
        accounts::create(write.connection(), &history, Timestamp::now()).await?;
        write.commit().await
    }

    /// Refuses an operator's command on a publisher that is not there.
    pub(super) async fn check_publisher(
        &self,
        connection: &mut AnyConnection,
        publisher: &PublisherName,
    ) -> Result<()> {
        if accounts::history(connection, publisher).await?.is_some() {
            return Ok(());
        }
        let hint = format!("`{}` shows all that there are", self.command("publisher list"));
        Err(Refusal::operator("not-found", format!("there is no publisher {publisher}"), hint).into())
    }
}

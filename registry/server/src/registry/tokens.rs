//! Issuing, listing and revoking tokens, and finding the one that a request carries.

use jiff::{SignedDuration, Timestamp};
use openclaw_package::PublisherName;
use sqlx::AnyConnection;

use super::{Caller, Registry};
use crate::error::{Fault, Refusal, Result};
use crate::store::{tokens, whole_seconds};
use crate::token::{Pattern, Scope, Secret, Token};

/// The longest name of a token, in characters.
const MAX_NAME_LEN: usize = 100;

/// What a new token is for.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// To which skills it may do something.
    pub pattern: Pattern,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How long it holds.
    pub lifetime: SignedDuration,
}

impl NewToken {
    /// A token with which a publisher may do everything for a year.
    pub fn first(publisher: PublisherName) -> Self {
        Self {
            name: "first".to_owned(),
            pattern: Pattern::all(publisher),
            scopes: Scope::ALL.to_vec(),
            lifetime: SignedDuration::from_hours(365 * 24),
        }
    }

    fn check(&self) -> Result<()> {
        let shown = self.name.chars().all(|character| !character.is_control());
        if self.name.trim().is_empty() || self.name.chars().count() > MAX_NAME_LEN || !shown {
            return Err(Fault::Usage("the name of a token is 1 to 100 characters on one line".into()).into());
        }
        if self.scopes.is_empty() {
            return Err(Fault::Usage("a token needs at least one scope".into()).into());
        }
        if self.scopes.contains(&Scope::Owners) && !self.pattern.is_all() {
            let fact =
                format!("the scope owners is for all skills: use the pattern {}/*", self.pattern.publisher());
            return Err(Fault::Usage(fact).into());
        }
        if self.lifetime < SignedDuration::from_hours(1)
            || self.lifetime > SignedDuration::from_hours(10 * 366 * 24)
        {
            return Err(Fault::Usage("a token holds for an hour to ten years".into()).into());
        }
        Ok(())
    }
}

/// A token that was just issued: the only time that it can be shown.
#[derive(Debug)]
pub struct Issued {
    /// The token itself.
    pub secret: Secret,
    /// What is known of it.
    pub token: Token,
}

/// Writes a new token of a publisher down that is there.
pub(super) async fn issue(connection: &mut AnyConnection, new: &NewToken, now: Timestamp) -> Result<Issued> {
    new.check()?;
    let now = whole_seconds(now);
    let publisher = new.pattern.publisher().clone();
    let mut scopes = new.scopes.clone();
    scopes.sort();
    scopes.dedup();
    let secret = Secret::generate()?;
    let token = Token {
        id: random_id()?,
        name: new.name.clone(),
        publisher,
        scopes,
        pattern: new.pattern.clone(),
        created: now,
        expires: now.checked_add(new.lifetime).map_err(|error| Fault::Usage(error.to_string()))?,
        revoked: None,
        last_used: None,
    };
    tokens::insert(connection, &token, &secret.hash()).await?;
    Ok(Issued { secret, token })
}

/// Sixteen random hex digits.
pub(super) fn random_id() -> Result<String> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(Fault::task)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

impl Registry {
    /// Issues a token.
    ///
    /// # Errors
    ///
    /// No such publisher; scopes that do not fit the pattern.
    pub async fn issue_token(&self, new: &NewToken) -> Result<Issued> {
        let mut write = self.store().write().await?;
        self.check_publisher(write.connection(), new.pattern.publisher()).await?;
        let issued = issue(write.connection(), new, Timestamp::now()).await?;
        write.commit().await?;
        Ok(issued)
    }

    /// All tokens, of one publisher or of all.
    ///
    /// # Errors
    ///
    /// A failing database.
    pub async fn list_tokens(&self, publisher: Option<&PublisherName>) -> Result<Vec<Token>> {
        let mut connection = self.store().read().await?;
        if let Some(publisher) = publisher {
            self.check_publisher(&mut connection, publisher).await?;
        }
        tokens::list(&mut connection, publisher).await
    }

    /// Revokes a token.
    ///
    /// # Errors
    ///
    /// No such token that holds.
    pub async fn revoke_token(&self, id: &str) -> Result<()> {
        let mut write = self.store().write().await?;
        let state = tokens::revoke(write.connection(), id, Timestamp::now()).await?;
        let hint = || format!("`{}` shows the ids of all", self.command("token list"));
        match state {
            tokens::Revocation::Done => write.commit().await,
            tokens::Revocation::Before => {
                let fact = format!("the token {id} was revoked before");
                Err(Refusal::operator("token-revoked", fact, hint()).into())
            }
            tokens::Revocation::Unknown => {
                Err(Refusal::operator("not-found", format!("there is no token {id}"), hint()).into())
            }
        }
    }

    /// Who asks with a token.
    ///
    /// # Errors
    ///
    /// [`Refusal::Token`] for one that does not hold.
    pub async fn caller(&self, token: &str) -> Result<Caller> {
        let secret = Secret::parse(token).ok_or(Refusal::Token("is not one of this registry"))?;
        let now = Timestamp::now();
        let token = tokens::find(&mut *self.store().read().await?, &secret.hash(), now).await?;
        if tokens::is_stale(&token, now) {
            let mut write = self.store().write().await?;
            tokens::touch(write.connection(), &token.id, now).await?;
            write.commit().await?;
        }
        Ok(Caller::with(token))
    }
}

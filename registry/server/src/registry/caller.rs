//! Who asks, and whether a token lets them.

use openclaw_package::registry::Visibility;
use openclaw_package::{PublisherName, SkillId};

use crate::error::{Refusal, Result};
use crate::token::{Scope, Token};

/// Who asks: nobody in particular, or the holder of a token.
#[derive(Debug, Clone, Default)]
pub struct Caller(Option<Token>);

impl Caller {
    /// The holder of a token that was found and holds.
    pub(crate) fn with(token: Token) -> Self {
        Self(Some(token))
    }

    /// Whose private skills may be shown.
    pub fn publisher(&self) -> Option<&PublisherName> {
        self.0.as_ref().map(|token| &token.publisher)
    }

    /// Whether a skill, of that publisher and so visible, may be shown.
    pub(super) fn sees(&self, publisher: &PublisherName, visibility: Visibility) -> bool {
        visibility == Visibility::Public || self.publisher() == Some(publisher)
    }

    /// The token.
    ///
    /// # Errors
    ///
    /// [`Refusal::TokenRequired`] where there is none.
    pub fn token(&self) -> Result<&Token> {
        self.0.as_ref().ok_or_else(|| Refusal::TokenRequired.into())
    }

    /// Refuses who may not act for a publisher.
    ///
    /// # Errors
    ///
    /// [`Refusal::TokenRequired`], [`Refusal::WrongPublisher`].
    pub fn acts_for(&self, publisher: &PublisherName) -> Result<&Token> {
        let token = self.token()?;
        if token.publisher == *publisher {
            return Ok(token);
        }
        Err(Refusal::WrongPublisher { token: token.publisher.clone(), wanted: publisher.clone() }.into())
    }

    /// Refuses who may not do that to a skill.
    ///
    /// # Errors
    ///
    /// As [`Caller::acts_for`], [`Refusal::MissingScope`], [`Refusal::OutsidePattern`].
    pub fn may(&self, scope: Scope, skill: &SkillId) -> Result<()> {
        let token = self.acts_for(skill.publisher())?;
        if !token.scopes.contains(&scope) {
            return Err(Refusal::MissingScope(scope).into());
        }
        if !token.pattern.matches(skill) {
            let pattern = token.pattern.to_string();
            return Err(Refusal::OutsidePattern { pattern, skill: skill.clone() }.into());
        }
        Ok(())
    }

    /// Refuses who may not change a publisher's keys. These are for all skills, so the token has to be as well.
    ///
    /// # Errors
    ///
    /// As [`Caller::acts_for`], [`Refusal::MissingScope`].
    pub fn may_own(&self, publisher: &PublisherName) -> Result<()> {
        let token = self.acts_for(publisher)?;
        if token.scopes.contains(&Scope::Owners) && token.pattern.is_all() {
            return Ok(());
        }
        Err(Refusal::MissingScope(Scope::Owners).into())
    }
}

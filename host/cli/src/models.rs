//! The owner's language models: those of `models.yaml`, the one that `claw` names, and the keys that they are asked with.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use openclaw_agent::model::Model;
use openclaw_agent::models::{AUTO, Access, Models, ModelsError, ModelsFile, Surroundings, known_providers};
use openclaw_agent::provider::{HttpClient, HttpOptions, Key, Provider};
use openclaw_agent::redaction::Redaction;
use openclaw_agent::skill_model::SkillModel;
use openclaw_agent::yaml::unknown;
use openclaw_runtime::capability::llm::LanguageModel;
use openclaw_runtime::policy::Policy;
use openclaw_runtime::redact::Values;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::environment::{Environment, Keys};
use crate::error::{CliError, Result};
use crate::exit::Exit;

/// The models that agents and skills may ask.
pub(crate) struct ModelSet {
    /// Those of the file; why there are none, where one of them lacks a variable.
    file: Option<std::result::Result<Models, ModelsError>>,
    /// The one of `claw`, by its name: used where the file has none of that name.
    claw: Option<(String, std::result::Result<Models, ModelsError>)>,
    keys: Vec<Zeroizing<String>>,
}

impl ModelSet {
    /// The models as they are configured. What `before` knows of those that are the same, this one goes on to know.
    ///
    /// # Errors
    /// Something of them cannot be used; a variable that only `claw` needs may be missing until it is asked for.
    pub(crate) fn load(environment: &Environment, config: &Config, before: Option<&Self>) -> Result<Self> {
        let written = ModelsFile::load(&environment.models_path())?;
        let claw = config.language_model();
        if written.is_none() && claw.is_none() {
            return Ok(Self { file: None, claw: None, keys: Vec::new() });
        }
        let world = World::new(environment)?;
        let file = written
            .map(|file| {
                let before = before.and_then(|before| before.file.as_ref()?.as_ref().ok());
                match Models::new(&file, &world, before) {
                    Err(error) if !matches!(error, ModelsError::NoVariable { .. }) => Err(error),
                    models => Ok(models),
                }
            })
            .transpose()?;
        let claw = claw.map(|claw| {
            let before = before.and_then(|before| before.claw.as_ref()?.1.as_ref().ok());
            let models = ModelsFile::of_one(claw.model_provider.as_str(), &claw.model)
                .and_then(|file| Models::new(&file, &world, before));
            (claw.model.clone(), models)
        });
        Ok(Self { file, claw, keys: world.into_keys() })
    }

    /// Whether no model is configured at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none() && self.claw.is_none()
    }

    /// The model or route of a name: of the file, else of `claw`; `auto` is all of the file, else that of `claw`.
    ///
    /// # Errors
    /// There is none, or it lacks a variable.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<dyn Model>> {
        let (models, named) = self.find(name)?;
        models.model(named).ok_or_else(|| self.unknown(name))
    }

    /// The first of the models of a name that has no price, so that no cost can be limited.
    ///
    /// # Errors
    /// There is no such name, or it lacks a variable.
    pub(crate) fn unpriced(&self, name: &str) -> Result<Option<String>> {
        let (models, named) = self.find(name)?;
        Ok(models.unpriced(named).map(str::to_owned))
    }

    /// Where a name belongs to, and what it is called there.
    fn find<'a>(&'a self, name: &'a str) -> Result<(&'a Models, &'a str)> {
        if let Some(models) = self.of_file().filter(|models| models.names().any(|known| known == name)) {
            return Ok((models, name));
        }
        let claw = self.claw.as_ref().filter(|(model, _)| model == name || name == AUTO);
        match (claw, &self.file) {
            (Some((_, Ok(models))), _) => Ok((models, AUTO)),
            (Some((_, Err(error))), _) | (None, Some(Err(error))) => Err(error.clone().into()),
            (None, _) => Err(self.unknown(name)),
        }
    }

    /// The model of skills: that of `claw`, else all of the file; none, where there is no model or a variable is missing.
    ///
    /// # Errors
    /// It cannot be used for another reason.
    pub(crate) fn language_model(
        &self,
        redaction: &Arc<Redaction>,
    ) -> Result<Option<Arc<dyn LanguageModel>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let name = self.claw.as_ref().map_or(AUTO, |(name, _)| name);
        match self.get(name) {
            Ok(model) => Ok(Some(Arc::new(SkillModel { model, redaction: Arc::clone(redaction) }))),
            Err(error) if error.code == NO_MODEL_KEY => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is cut from what is logged, kept or asked: what the configuration says, and the keys.
    ///
    /// # Errors
    /// They are too many or too long to be looked for.
    pub(crate) fn redaction(&self, config: &Config) -> Result<Arc<Redaction>> {
        Ok(Arc::new(Redaction::new(config.redaction(), Arc::new(self.secrets()?))))
    }

    fn secrets(&self) -> Result<Values> {
        Values::new(self.keys.iter().map(|key| key.as_bytes()))
            .map_err(|error| CliError::new(Exit::Host, "invalid-config", error.to_string()))
    }

    /// All models that may be asked, those of the file last.
    pub(crate) fn all(&self) -> Vec<Models> {
        let claw = self.claw.as_ref().and_then(|(_, models)| models.as_ref().ok());
        claw.into_iter().chain(self.of_file()).cloned().collect()
    }

    fn of_file(&self) -> Option<&Models> {
        self.file.as_ref()?.as_ref().ok()
    }

    fn unknown(&self, name: &str) -> CliError {
        if self.is_empty() {
            return CliError::new(Exit::Host, "no-model", "no language model is configured")
                .hint("name one in config.yaml (claw: { model_provider: …, model: … }) or in models.yaml: docs/agents.md");
        }
        let mut known: Vec<&str> = self.of_file().into_iter().flat_map(Models::names).collect();
        known.extend(self.claw.as_ref().map(|(name, _)| name.as_str()));
        if !known.contains(&AUTO) {
            known.push(AUTO);
        }
        CliError::new(Exit::Host, "invalid-config", unknown("model or route", name, &known))
            .hint("models are named in models.yaml: docs/models.md")
    }
}

impl std::fmt::Debug for ModelSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelSet").field("file", &self.file).field("claw", &self.claw).finish_non_exhaustive()
    }
}

/// The code of an error about a variable that is not set.
pub(crate) const NO_MODEL_KEY: &str = "no-model-key";

impl From<ModelsError> for CliError {
    fn from(error: ModelsError) -> Self {
        let (code, hint) = match &error {
            ModelsError::NoVariable { variable, .. } => (
                NO_MODEL_KEY,
                format!("set {variable}, or write {variable}=… into .env in the data directory"),
            ),
            ModelsError::Invalid(_) | ModelsError::Unreadable { .. } => {
                ("invalid-config", "docs/models.md lists every key".to_owned())
            }
            ModelsError::Provider { .. } => {
                ("invalid-config", "docs/models.md says what it is to be".to_owned())
            }
        };
        Self::new(Exit::Host, code, error.to_string()).hint(hint)
    }
}

/// What models are made from, on this machine.
struct World {
    environment: Environment,
    variables: Keys,
    client: OnceLock<std::result::Result<HttpClient, String>>,
    used: Mutex<Vec<Zeroizing<String>>>,
}

impl World {
    fn new(environment: &Environment) -> Result<Self> {
        Ok(Self {
            environment: environment.clone(),
            variables: environment.keys()?,
            client: OnceLock::new(),
            used: Mutex::default(),
        })
    }

    fn client(&self) -> std::result::Result<HttpClient, String> {
        let make = || {
            let dir = self.environment.data_dir().map_err(|error| error.message)?;
            let policy = Policy::load(&dir.policy()).map_err(|error| error.to_string())?;
            let options = HttpOptions { ca_file: policy.network().ca_file.clone(), ..HttpOptions::default() };
            Ok(HttpClient::new(options))
        };
        self.client.get_or_init(make).clone()
    }

    /// All keys that models may be asked with: those that are used, those of well-known names, and what `.env` holds beside
    /// addresses.
    fn into_keys(self) -> Vec<Zeroizing<String>> {
        let mut keys = self.used.into_inner().unwrap_or_else(PoisonError::into_inner);
        keys.extend(known_providers().filter_map(|(_, key)| self.variables.get(key?)));
        let stored = self.variables.stored().filter(|(name, _)| !name.ends_with("_URL"));
        keys.extend(stored.map(|(_, key)| Zeroizing::new(key.to_owned())));
        keys.retain(|key| !key.trim().is_empty());
        keys.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
        keys.dedup_by(|one, other| one.as_bytes() == other.as_bytes());
        keys
    }
}

impl Surroundings for World {
    fn variable(&self, name: &str) -> Option<Zeroizing<String>> {
        self.variables.get(name).filter(|value| !value.trim().is_empty())
    }

    fn connect(&self, access: Access) -> std::result::Result<Arc<dyn Provider>, String> {
        let Access { format, url, key } = access;
        let told = key.as_ref().map(|key| Key::new(key)).transpose().map_err(|error| error.to_string())?;
        if let Some(key) = key {
            let key = Zeroizing::new(key.trim().to_owned());
            self.used.lock().unwrap_or_else(PoisonError::into_inner).push(key);
        }
        format.provider(&self.client()?, &url, told).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const MODELS: &str = "
providers:
  here: { format: openai, url: 'http://127.0.0.1:1/v1', key: HERE_KEY }
models:
  one: { provider: here, model: m }
  both: { provider: here, model: n }
";

    /// An environment with these files in its data directory.
    fn environment(files: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
        let dir = tempfile::tempdir().unwrap();
        let environment = Environment::at(dir.path());
        let data = environment.data_dir().unwrap();
        for (name, text) in files {
            let path = data.root().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        (dir, environment)
    }

    fn load(environment: &Environment) -> Result<ModelSet> {
        ModelSet::load(environment, &environment.config()?, None)
    }

    #[test]
    fn models_of_the_file_come_before_that_of_claw() {
        let config = "claw: { model_provider: ollama, model: qwen3 }\n";
        let (_dir, environment) =
            environment(&[("config.yaml", config), ("models.yaml", MODELS), (".env", "HERE_KEY=k-123456\n")]);
        let models = load(&environment).unwrap();
        for name in ["one", "both", "qwen3", "auto"] {
            assert!(models.get(name).is_ok(), "{name}");
        }
        let error = models.get("bth").unwrap_err();
        assert_eq!(error.code, "invalid-config");
        assert!(error.message.contains("there is no model or route bth; did you mean both?"), "{error}");
        assert!(models.language_model(&Arc::default()).unwrap().is_some());
    }

    #[test]
    fn without_any_model_the_error_says_where_one_is_named() {
        let (_dir, environment) = environment(&[]);
        let models = load(&environment).unwrap();
        assert_eq!(models.get("auto").unwrap_err().code, "no-model");
        assert!(models.language_model(&Arc::default()).unwrap().is_none());
    }

    #[test]
    fn a_key_that_is_missing_is_named_and_skills_then_have_no_model() {
        let (_dir, environment) = environment(&[
            ("config.yaml", "claw: { model_provider: local, model: x }\n"),
            (".env", "LOCAL_LLM_URL=\n"),
        ]);
        let models = load(&environment).unwrap();
        let error = models.get("x").unwrap_err();
        assert!(error.code == "no-model-key" && error.message.contains("LOCAL_LLM_URL"), "{error}");
        assert!(models.language_model(&Arc::default()).unwrap().is_none());
    }

    #[test]
    fn a_file_that_lacks_a_key_takes_nothing_from_the_model_of_claw() {
        let config = "claw: { model_provider: ollama, model: qwen3 }\n";
        let (_dir, environment) = environment(&[("config.yaml", config), ("models.yaml", MODELS)]);
        let models = load(&environment).unwrap();
        assert!(models.get("qwen3").is_ok() && models.language_model(&Arc::default()).unwrap().is_some());
        let without = models.get("one").unwrap_err();
        assert!(without.code == "no-model-key" && without.message.contains("HERE_KEY"), "{without}");
    }

    #[test]
    fn keys_are_what_must_not_leave_and_addresses_are_not() {
        let env = "HERE_KEY=used-123456\nOTHER=other-123456\nLOCAL_LLM_URL=http://127.0.0.1:1/v1\n";
        let (_dir, environment) = environment(&[("models.yaml", MODELS), (".env", env)]);
        let values = load(&environment).unwrap().secrets().unwrap();
        let text = "used-123456 other-123456 http://127.0.0.1:1/v1";
        assert_eq!(values.redact(text), "[redacted:secret] [redacted:secret] http://127.0.0.1:1/v1");
        let shown = format!("{:?}", load(&environment).unwrap());
        assert!(!shown.contains("123456"), "{shown}");
    }

    #[test]
    fn an_address_that_cannot_be_asked_is_an_error_and_a_key_is_not_repeated() {
        let models = MODELS.replace("HERE_KEY", "BAD_KEY");
        let (_dir, environment) = environment(&[("models.yaml", &models), (".env", "BAD_KEY='a b c'\n")]);
        let error = load(&environment).unwrap_err();
        assert!(error.message.contains("the provider here cannot be used"), "{error}");
        assert!(!error.message.contains("a b c"), "{error}");
    }
}

//! The parts of [`Context`] that a permission of the manifest brings.
//!
//! `#[skill]` imports the traits of what `openclaw/skill.toml` declares into its module. In
//! another module import them by hand: `use openclaw_skill::permission::Memory as _;`.

use std::path::Path;

use crate::Context;
use crate::ask::Ask as Person;
use crate::llm::Llm as Model;
use crate::memory::Store;
use crate::process::Process as Programs;

/// `[permission.memory]`: the skill's own key-value store.
pub trait Memory {
    /// The skill's store. Where the manifest does not declare it, each operation is denied.
    fn memory(&self) -> Store<'_>;
}

impl Memory for Context {
    fn memory(&self) -> Store<'_> {
        self.store()
    }
}

/// `[permission.llm]`: the owner's language model.
pub trait Llm {
    /// The model. Where the manifest does not declare it, each question is denied.
    fn llm(&self) -> Model<'_>;
}

impl Llm for Context {
    fn llm(&self) -> Model<'_> {
        self.model()
    }
}

/// `[permission.ask]`: questions to the person behind the session.
pub trait Ask {
    /// The person. Where the manifest does not declare it, each question is denied.
    fn ask(&self) -> Person<'_>;
}

impl Ask for Context {
    fn ask(&self) -> Person<'_> {
        self.person()
    }
}

/// `[[permission.process]]`: programs of the host.
pub trait Process {
    /// The programs that the manifest names. Where it names none, each command is denied.
    fn process(&self) -> Programs<'_>;
}

impl Process for Context {
    fn process(&self) -> Programs<'_> {
        self.programs()
    }
}

/// `[[permission.filesystem]]` with `tree = "$data"`: files of the skill's own.
pub trait Data {
    /// The skill's own directory, kept between calls: `/data`. Where the manifest does not
    /// declare it, there is nothing at that path.
    fn data_dir(&self) -> &Path;
}

impl Data for Context {
    fn data_dir(&self) -> &Path {
        self.data_path()
    }
}

/// `[[permission.filesystem]]` with `tree = "$workspace"`: what the caller works on.
pub trait Workspace {
    /// The directory that the caller works in: `/workspace`. Where the manifest does not declare
    /// it, there is nothing at that path.
    fn workspace(&self) -> &Path;
}

impl Workspace for Context {
    fn workspace(&self) -> &Path {
        self.workspace_path()
    }
}

/// What `#[skill]` imports in place of an undeclared permission, so that the compiler says what
/// to declare instead of which trait to import.
#[doc(hidden)]
pub mod undeclared {
    use std::path::Path;

    use super::{Context, Model, Person, Programs, Store};

    /// Nothing implements this.
    #[diagnostic::on_unimplemented(
        message = "the skill's manifest does not declare memory",
        label = "needs `[permission.memory]`",
        note = "add to openclaw/skill.toml:\n\n[permission.memory]\nreason = \"…\""
    )]
    pub trait MemoryDeclared {}

    /// Nothing implements this.
    #[diagnostic::on_unimplemented(
        message = "the skill's manifest does not declare the language model",
        label = "needs `[permission.llm]`",
        note = "add to openclaw/skill.toml:\n\n[permission.llm]\nreason = \"…\""
    )]
    pub trait LlmDeclared {}

    /// Nothing implements this.
    #[diagnostic::on_unimplemented(
        message = "the skill's manifest does not declare questions to a person",
        label = "needs `[permission.ask]`",
        note = "add to openclaw/skill.toml:\n\n[permission.ask]\nreason = \"…\""
    )]
    pub trait AskDeclared {}

    /// Nothing implements this.
    #[diagnostic::on_unimplemented(
        message = "the skill's manifest does not declare programs",
        label = "needs a `[[permission.process]]`",
        note = "add to openclaw/skill.toml:\n\n[[permission.process]]\nprogram = \"git\"\nargs = [[\"status\", \"--porcelain\"]]\nreason = \"…\""
    )]
    pub trait ProcessDeclared {}

    /// Nothing implements this.
    #[diagnostic::on_unimplemented(
        message = "the skill's manifest does not declare the tree `$data`",
        label = "needs a `[[permission.filesystem]]`",
        note = "add to openclaw/skill.toml:\n\n[[permission.filesystem]]\ntree = \"$data\"\naccess = \"write\"\nreason = \"…\""
    )]
    pub trait DataDeclared {}

    /// Nothing implements this.
    #[diagnostic::on_unimplemented(
        message = "the skill's manifest does not declare the tree `$workspace`",
        label = "needs a `[[permission.filesystem]]`",
        note = "add to openclaw/skill.toml:\n\n[[permission.filesystem]]\ntree = \"$workspace\"\naccess = \"read\"\nreason = \"…\""
    )]
    pub trait WorkspaceDeclared {}

    /// In place of [`super::Memory`].
    pub trait Memory: Sized {
        /// Cannot be called.
        fn memory(&self) -> Store<'_>
        where
            Self: MemoryDeclared,
        {
            Store::new(None)
        }
    }

    /// In place of [`super::Llm`].
    pub trait Llm: Sized {
        /// Cannot be called.
        fn llm(&self) -> Model<'_>
        where
            Self: LlmDeclared,
        {
            Model::new(None)
        }
    }

    /// In place of [`super::Ask`].
    pub trait Ask: Sized {
        /// Cannot be called.
        fn ask(&self) -> Person<'_>
        where
            Self: AskDeclared,
        {
            Person::new(None)
        }
    }

    /// In place of [`super::Process`].
    pub trait Process: Sized {
        /// Cannot be called.
        fn process(&self) -> Programs<'_>
        where
            Self: ProcessDeclared,
        {
            Programs::new(None)
        }
    }

    /// In place of [`super::Data`].
    pub trait Data: Sized {
        /// Cannot be called.
        fn data_dir(&self) -> &Path
        where
            Self: DataDeclared,
        {
            Path::new("")
        }
    }

    /// In place of [`super::Workspace`].
    pub trait Workspace: Sized {
        /// Cannot be called.
        fn workspace(&self) -> &Path
        where
            Self: WorkspaceDeclared,
        {
            Path::new("")
        }
    }

    impl Memory for Context {}
    impl Llm for Context {}
    impl Ask for Context {}
    impl Process for Context {}
    impl Data for Context {}
    impl Workspace for Context {}
}

//! What the manifest does not declare is not there.

#![allow(unused_variables)]

use openclaw_skill::{Context, Result, skill};

pub struct Hello;

#[skill(manifest = "../skills/hello.toml")]
impl Hello {
    /// Greet.
    pub fn greet(ctx: &Context) -> Result<()> {
        ctx.memory().set("greeted", "yes")?;
        ctx.ask().question("really?")?;
        ctx.process().command("git").run()?;
        std::fs::write(ctx.data_dir().join("greeted"), "yes")?;
        std::fs::read(ctx.workspace().join("greeted"))?;
        Ok(())
    }
}

fn main() {}

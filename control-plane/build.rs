//! Embeds the validated `sluicegate.toml`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    config::emit_for_build_script(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    Ok(())
}

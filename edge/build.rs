//! Embeds the validated `sluicegate.toml` and the OpenAPI document.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = config::emit_for_build_script(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    let out = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: this runs in a build script")?;
    let openapi = protocol::openapi::document(&config.brand.name, env!("CARGO_PKG_VERSION"));
    std::fs::write(Path::new(&out).join("openapi.json"), serde_json::to_vec(&openapi)?)?;
    Ok(())
}

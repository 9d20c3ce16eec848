//! Reads `catalogue/*.toml`, checks it, and emits each connector as JSON with a table of them all.
//!
//! A wrong value ends the build and is named with its file and key.

// Its modules are the library's own, of which a build script uses a part.
#![allow(dead_code, unreachable_pub, missing_docs)]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "src/catalogue/argument.rs"]
mod argument;
#[path = "src/catalogue/check.rs"]
mod check;
#[path = "src/catalogue/check_rules.rs"]
mod check_rules;
#[path = "src/filter/fields.rs"]
mod fields;
#[path = "src/catalogue/grant.rs"]
mod grant;
#[path = "src/policy/graphql.rs"]
mod graphql;
#[path = "src/catalogue/model.rs"]
mod model;
#[path = "src/catalogue/parameter.rs"]
mod parameter;
#[path = "src/catalogue/path.rs"]
mod path;
#[path = "src/catalogue/rule.rs"]
mod rule;

use model::Connector;

fn main() {
    println!("cargo::rerun-if-changed=catalogue");
    if let Err(error) = emit() {
        println!("cargo::error={}", error.to_string().replace('\n', "\ncargo::error="));
    }
}

fn emit() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|e| Ok(e?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();

    let mut problems = Vec::new();
    let mut summaries = String::new();
    let mut sources = String::new();
    for file in &files {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).ok_or("a file's name is not text")?;
        let text = fs::read_to_string(file)?;
        let connector = match toml::from_str::<Connector>(&text) {
            Ok(connector) => connector,
            Err(error) => {
                problems.push(format!("catalogue/{stem}.toml: {error}"));
                continue;
            }
        };
        problems.extend(
            check::findings(stem, &connector).iter().map(|what| format!("catalogue/{stem}.toml: {what}")),
        );
        let json = serde_json::to_string(&toml::from_str::<serde_json::Value>(&text)?)?;
        // What the library will read, read once here.
        serde_json::from_str::<Connector>(&json)
            .map_err(|e| format!("catalogue/{stem}.toml as JSON: {e}"))?;
        fs::write(out.join(format!("{stem}.json")), json)?;
        writeln!(sources, "    include_str!(concat!(env!(\"OUT_DIR\"), \"/{stem}.json\")),")?;
        summarize(&mut summaries, &connector)?;
    }
    if !problems.is_empty() {
        return Err(problems.join("\n").into());
    }
    let table = format!(
        "static SUMMARIES: [Summary; {count}] = [\n{summaries}];\nstatic SOURCES: [&str; {count}] = [\n{sources}];\n",
        count = files.len(),
    );
    fs::write(out.join("catalogue.rs"), table)?;
    Ok(())
}

fn summarize(out: &mut String, connector: &Connector) -> std::fmt::Result {
    let oauth = connector.oauth.as_ref();
    let auth: Vec<&str> = oauth
        .map(|_| "oauth2")
        .into_iter()
        .chain(connector.credentials.iter().map(|c| c.kind.as_str()))
        .collect();
    let scopes: String = oauth
        .iter()
        .flat_map(|oauth| &oauth.scopes)
        .map(|scope| format!("ScopeSummary {{ scope: {:?}, why: {:?} }}, ", scope.scope, scope.why))
        .collect();
    writeln!(
        out,
        "    Summary {{ id: {:?}, name: {:?}, category: Category::{:?}, kind: Kind::{:?}, summary: {:?}, docs: {:?}, \
         auth: &{auth:?}, scopes: &[{scopes}], writes: {} }},",
        connector.id,
        connector.name,
        connector.category,
        connector.kind,
        connector.summary,
        connector.docs,
        connector.requests.iter().any(|rule| rule.writes),
    )
}

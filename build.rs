//! Turns `openapi.yaml` into JSON, so that the program need not read YAML.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=openapi.yaml");
    let document: serde_json::Value = serde_norway::from_str(&fs::read_to_string("openapi.yaml")?)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("openapi.json"), serde_json::to_string(&document)?)?;
    Ok(())
}

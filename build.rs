//! Turns `openapi.yaml` into JSON, so that the program need not read YAML, and compresses Swagger UI.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

const COMPRESSED: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=openapi.yaml");
    let document: serde_json::Value = serde_norway::from_str(&fs::read_to_string("openapi.yaml")?)?;
    fs::write(out.join("openapi.json"), serde_json::to_string(&document)?)?;
    for name in COMPRESSED {
        let path = Path::new("web/swagger-ui").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&fs::read(path)?)?;
        fs::write(out.join(name).with_added_extension("gz"), gzip.finish()?)?;
    }
    Ok(())
}

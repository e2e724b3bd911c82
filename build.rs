//! Turns `openapi.yaml` into JSON, so that the program need not read YAML, and compresses both and Swagger UI.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

const SWAGGER_UI: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=openapi.yaml");
    let yaml = fs::read_to_string("openapi.yaml")?;
    let json = serde_json::to_string(&serde_norway::from_str::<serde_json::Value>(&yaml)?)?;
    compress(&out, "openapi.yaml", yaml.as_bytes())?;
    compress(&out, "openapi.json", json.as_bytes())?;
    for name in SWAGGER_UI {
        let path = Path::new("web/swagger-ui").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        compress(&out, name, &fs::read(path)?)?;
    }
    Ok(())
}

fn compress(out: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content)?;
    fs::write(out.join(name).with_added_extension("gz"), gzip.finish()?)
}

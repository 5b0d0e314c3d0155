//! Rebuilds when a migration is added, and takes the files of the browser's side into the binary (in debug builds they
//! are read from where they lie).

use std::io;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    // The browser's side is built apart; a server built without it serves pages without style and script.
    let site = Path::new("../target/site");
    if let Err(error) = prepare(site) {
        println!("cargo::error=`target/site` cannot be made: {error}");
        return;
    }
    memory_serve::load_directory(site);
}

/// Makes the folder. A debug build reads the files when they are asked for, but which ones there are is fixed now, and
/// cargo-leptos makes them at the same time: those that are not there yet get their place.
fn prepare(site: &Path) -> io::Result<()> {
    let pkg = site.join("pkg");
    std::fs::create_dir_all(&pkg)?;
    if cfg!(debug_assertions) {
        for name in ["ferry.js", "ferry.wasm", "ferry.css"] {
            let file = pkg.join(name);
            if !file.exists() {
                std::fs::write(file, "/* not built yet: make web */\n")?;
            }
        }
    }
    Ok(())
}

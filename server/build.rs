//! Rebuilds when a migration is added, and takes the files of the browser's side into the binary (in debug builds they
//! are read from where they lie).

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    // The browser's side is built apart; a server built without it serves pages without style and script.
    let site = Path::new("../target/site");
    if let Err(error) = std::fs::create_dir_all(site) {
        println!("cargo::error=`target/site` cannot be made: {error}");
        return;
    }
    memory_serve::load_directory(site);
}

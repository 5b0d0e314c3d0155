//! Rebuilds when a migration is added, and takes the files of the browser's side into the binary (in debug builds they
//! are read from where they lie).

use std::io;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=../public");
    // The browser's side is built apart; a server built without it serves pages without style and script.
    let site = Path::new("../target/site");
    if let Err(error) = prepare(site) {
        println!("cargo::error=`target/site` cannot be made: {error}");
        return;
    }
    memory_serve::load_directory(site);
}

/// Makes the folder, with the files of `public/`, which need no build. A debug build reads the files when they are asked for, but which ones there are is fixed now, and
/// cargo-leptos makes them at the same time: those that are not there yet get their place.
fn prepare(site: &Path) -> io::Result<()> {
    let pkg = site.join("pkg");
    std::fs::create_dir_all(&pkg)?;
    copy_changed(Path::new("../public"), site)?;
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

/// Copies a folder with all below it; a file that is there already as it is keeps its time.
fn copy_changed(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_changed(&entry.path(), &target)?;
        } else {
            let bytes = std::fs::read(entry.path())?;
            if std::fs::read(&target).ok().as_deref() != Some(bytes.as_slice()) {
                std::fs::write(&target, bytes)?;
            }
        }
    }
    Ok(())
}

//! I8 and I10: what lies on disk.

use std::path::{Path, PathBuf};

use super::Told;

pub(super) fn secrecy(told: &Told) -> Vec<String> {
    let mut broken = Vec::new();
    for path in &told.open_files {
        let Ok(bytes) = std::fs::read(path) else { continue };
        for secret in told.secrets.iter().filter(|secret| holds(&bytes, secret.as_bytes())) {
            broken.push(format!("I8: {} holds {secret}", path.display()));
        }
    }
    broken
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && bytes.windows(wanted.len()).any(|part| part == wanted)
}

pub(super) fn clean(told: &Told) -> Vec<String> {
    let Some(data_dir) = &told.data_dir else { return Vec::new() };
    let mut left = Vec::new();
    list(&data_dir.join("tmp"), &mut left);
    left.iter().map(|path| format!("I10: {} stays behind", path.display())).collect()
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        assert!(holds(b"ab key cd", b"key") && holds(b"key", b"key"));
        assert!(!holds(b"ke y", b"key") && !holds(b"", b"key") && !holds(b"abc", b""));
    }
}

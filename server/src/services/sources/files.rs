//! Which files a data source stands for, and whether they may be read. Files on the server's disk only under the
//! directories that the operator allowed; symbolic links are followed first and judged by where they lead.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use domain::source::{FileFault, Format, Location};

/// Where files may lie.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Where uploaded files are.
    uploads: PathBuf,
    /// The directories that the operator allowed, with all links followed.
    allowed: Vec<PathBuf>,
}

impl Places {
    /// For a data directory and the directories that the operator allowed. Those that are not there are left out.
    pub fn new(data_dir: &Path, allowed: &[PathBuf]) -> Self {
        let real = |directory: &PathBuf| match directory.canonicalize() {
            Ok(real) if real.is_dir() => Some(real),
            _ => {
                tracing::warn!(directory = %directory.display(), "this directory for data sources is not there");
                None
            }
        };
        Self { uploads: data_dir.join("uploads"), allowed: allowed.iter().filter_map(real).collect() }
    }

    /// The allowed directories, as people may write them.
    pub fn allowed(&self) -> Vec<String> {
        self.allowed.iter().map(|directory| directory.display().to_string()).collect()
    }

    /// The path of an uploaded file.
    ///
    /// # Errors
    /// `upload` is not a name that the server made.
    pub fn upload(&self, upload: &str) -> Result<PathBuf, FileFault> {
        let id = uuid::Uuid::try_parse(upload).map_err(|_| FileFault::NotThere)?;
        // Other spellings of the same id are other file names.
        if id.to_string() != upload {
            return Err(FileFault::NotThere);
        }
        Ok(self.uploads.join(upload))
    }

    /// The directory of uploaded files.
    pub fn uploads(&self) -> &Path {
        &self.uploads
    }

    /// The files of a location, by name. In a folder these are the files of `format`; without one, of the format of the
    /// first file that has one. Blocks on the disk.
    ///
    /// # Errors
    /// Nothing is there, or not where it may be read.
    pub fn files(&self, location: &Location, format: Option<Format>) -> Result<Vec<PathBuf>, FileFault> {
        match location {
            Location::Upload { upload, .. } => {
                let path = self.upload(upload)?;
                let is_file = path.symlink_metadata().is_ok_and(|found| found.is_file());
                if is_file { Ok(vec![path]) } else { Err(FileFault::NotThere) }
            }
            Location::Path { path } => self.server_files(Path::new(path), format),
        }
    }

    fn server_files(&self, path: &Path, format: Option<Format>) -> Result<Vec<PathBuf>, FileFault> {
        if !path.is_absolute() {
            return Err(FileFault::NotThere);
        }
        let path = self.real(path)?;
        if path.is_file() {
            return Ok(vec![path]);
        }
        if !path.is_dir() {
            return Err(FileFault::NotThere);
        }
        let mut names: Vec<PathBuf> =
            path.read_dir().map_err(|_| FileFault::NotThere)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.sort();
        let wanted = format.or_else(|| names.iter().find_map(|name| format_of(name)));
        let mut files = Vec::new();
        for name in names.iter().filter(|name| wanted.is_some() && format_of(name) == wanted) {
            // A link that leads out of the allowed directories is no file of this folder.
            if let Ok(file) = self.real(name)
                && file.is_file()
            {
                files.push(file);
            }
        }
        if files.is_empty() { Err(FileFault::NotThere) } else { Ok(files) }
    }

    /// The path with all links followed, if it is allowed.
    fn real(&self, path: &Path) -> Result<PathBuf, FileFault> {
        let real = path.canonicalize().map_err(|_| FileFault::NotThere)?;
        let is_allowed = self.allowed.iter().any(|directory| real.starts_with(directory));
        if is_allowed { Ok(real) } else { Err(FileFault::NotThere) }
    }
}

/// The format that a file's name tells; hidden files have none.
pub fn format_of(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with('.') {
        return None;
    }
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "parquet" => Some(Format::Parquet),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        _ => None,
    }
}

/// What tells that a file was written to: not its content, which may be 10 GB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, u64, Option<SystemTime>, u64)>);

/// The fingerprint of these files. Blocks on the disk.
///
/// # Errors
/// One of them is gone.
pub fn fingerprint(files: &[PathBuf]) -> Result<Fingerprint, FileFault> {
    use std::os::unix::fs::MetadataExt as _;
    let one = |path: &PathBuf| {
        let found = path.metadata().map_err(|_| FileFault::NotThere)?;
        Ok((path.clone(), found.len(), found.modified().ok(), found.ino()))
    };
    files.iter().map(one).collect::<Result<_, _>>().map(Fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Disk {
        dir: tempfile::TempDir,
        places: Places,
    }

    fn disk() -> Disk {
        let dir = tempfile::tempdir().expect("a folder");
        for folder in ["data/uploads", "allowed/many", "secret"] {
            std::fs::create_dir_all(dir.path().join(folder)).expect("made");
        }
        for file in ["allowed/one.csv", "allowed/many/b.csv", "allowed/many/a.CSV", "allowed/many/c.parquet"] {
            std::fs::write(dir.path().join(file), "x").expect("written");
        }
        std::fs::write(dir.path().join("secret/key.csv"), "x").expect("written");
        let places = Places::new(&dir.path().join("data"), &[dir.path().join("allowed"), dir.path().join("gone")]);
        Disk { dir, places }
    }

    impl Disk {
        fn files(&self, path: &str) -> Result<Vec<String>, FileFault> {
            let path = self.dir.path().join(path).display().to_string();
            let found = self.places.files(&Location::Path { path }, None)?;
            let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
            Ok(found.iter().map(name).collect())
        }
    }

    #[test]
    fn a_folder_gives_the_files_of_one_format_by_name() {
        let disk = disk();
        assert_eq!(disk.files("allowed/one.csv"), Ok(vec!["one.csv".to_owned()]));
        assert_eq!(disk.files("allowed/many"), Ok(vec!["a.CSV".to_owned(), "b.csv".to_owned()]));
    }

    #[test]
    fn nothing_outside_the_allowed_directories_can_be_named() {
        let disk = disk();
        let link = |from: &str, to: &str| {
            std::os::unix::fs::symlink(disk.dir.path().join(to), disk.dir.path().join(from)).expect("linked");
        };
        link("allowed/out.csv", "secret/key.csv");
        link("allowed/many/out.csv", "secret/key.csv");
        link("allowed/folder", "secret");

        for path in [
            "secret/key.csv",
            "allowed/../secret/key.csv",
            "allowed/out.csv",
            "allowed/folder",
            "allowed/folder/key.csv",
            "",
        ] {
            assert_eq!(disk.files(path), Err(FileFault::NotThere), "{path}");
        }
        assert_eq!(disk.files("allowed/many").expect("found").len(), 2);
        let relative = Location::Path { path: "allowed/one.csv".to_owned() };
        assert_eq!(disk.places.files(&relative, None), Err(FileFault::NotThere));
    }

    #[test]
    fn an_upload_has_a_name_that_the_server_made() {
        let disk = disk();
        let name = "0190163d-8694-739b-aea5-966c26f8ad91";
        std::fs::write(disk.dir.path().join("data/uploads").join(name), "x").expect("written");
        let files = |upload: &str| {
            let location = Location::Upload { upload: upload.to_owned(), file_name: "x.csv".to_owned() };
            disk.places.files(&location, None).map(|found| found.len())
        };

        assert_eq!(files(name), Ok(1));
        for wrong in ["../../secret/key.csv", "", &name.to_uppercase(), "0190163d-8694-739b-aea5-966c26f8ad92"] {
            assert_eq!(files(wrong), Err(FileFault::NotThere), "{wrong}");
        }
    }

    #[test]
    fn a_file_that_was_written_to_has_another_fingerprint() {
        let disk = disk();
        let files = vec![disk.dir.path().join("allowed/one.csv")];
        let before = fingerprint(&files).expect("there");
        assert_eq!(fingerprint(&files), Ok(before.clone()));

        std::fs::write(&files[0], "longer").expect("written");
        assert_ne!(fingerprint(&files), Ok(before));
    }
}

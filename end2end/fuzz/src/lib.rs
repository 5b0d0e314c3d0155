//! What the targets share: a runtime, and files of customers that the fuzzer made up, on their way to a snapshot.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use domain::id::SourceId;
use domain::source::{Location, Preview, Source};
use ferry_data::{DataEngine, DataError, DataOptions};
use tokio::runtime::{Builder, Runtime};

/// Tables as text files, each after the byte that says which kind it is.
pub const TABLES: [&str; 5] = [
    "\0email,first_name,points\nana@example.com,\"Ana, \"\"M\"\"\",12\r\nion@example.com,Ion,\n",
    "\0email;name;since\nana@example.com;Zoë;2026-03-02\n;x;02.03.2026\n",
    "\x01\u{feff}email\tname\nana@example.com\tAna\nragged\n",
    "\x03{\"email\":\"ana@example.com\",\"points\":1,\"tags\":[\"a\"]}\n{\"email\":null,\"points\":\"x\"}\n",
    "\x02a|b|a\n1|2|3\n\"never closed|\n",
];

/// Where what is asynchronous is waited for.
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

struct Bench {
    folder: tempfile::TempDir,
    engine: DataEngine,
}

impl Bench {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
        let options = DataOptions { threads: 1, in_steps: true, ..DataOptions::new(folder.path().join("data")) };
        Self { engine: DataEngine::new(options).expect("an engine"), folder }
    }

    async fn import(&self, file: PathBuf) -> Result<(), DataError> {
        let preview = self.engine.preview(vec![file.clone()], None).await?;
        let report = self.engine.refresh(&source_of(preview), vec![file], 1, |_| {}).await?;
        assert_eq!(report.read, report.accepted + report.rejected, "every row is accounted for");
        Ok(())
    }
}

/// The data source that a person would save who changes nothing of the preview.
fn source_of(preview: Preview) -> Source {
    Source {
        id: SourceId(uuid::Uuid::nil()),
        name: "Customers".to_owned(),
        location: Location::Upload { upload: String::new(), file_name: String::new() },
        reading: preview.reading,
        attributes: preview.attributes,
        primary_key: preview.primary_key,
        is_customer_table: true,
    }
}

/// Imports a file of this name and content.
///
/// # Panics
/// It is neither refused for what it is, nor is each of its rows accounted for.
pub fn import(name: &str, content: &[u8]) {
    let file = BENCH.folder.path().join(name);
    std::fs::write(&file, content).expect("written");
    match RUNTIME.block_on(BENCH.import(file)) {
        // A column that has become another one, or none, between the look at the file and its import.
        Ok(()) | Err(DataError::File(_) | DataError::UnknownAttribute) => {}
        Err(error) => panic!("neither refused nor imported: {error}"),
    }
}

/// Writes what the fuzzer begins with into the folder `FERRY_FUZZ_SEEDS`, which it is told to read.
///
/// # Panics
/// There is no such folder.
pub fn begin_with(seeds: &[Vec<u8>]) {
    #[expect(clippy::disallowed_methods, reason = "a fuzzer's arguments are its own")]
    let Some(folder) = std::env::var_os("FERRY_FUZZ_SEEDS") else { return };
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("seed-{number}")), seed).expect("written");
    }
}

/// The Parquet file that Ferry itself makes of a table.
///
/// # Panics
/// The table is not imported.
pub fn as_parquet(table: &str) -> Vec<u8> {
    import("good.csv", table.get(1..).unwrap_or_default().as_bytes());
    let found = parquet_below(&BENCH.folder.path().join("data")).expect("a snapshot");
    std::fs::read(found).expect("read")
}

fn parquet_below(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.into_iter().find_map(|path| {
        if path.is_dir() {
            return parquet_below(&path);
        }
        (path.extension()? == "parquet").then_some(path)
    })
}

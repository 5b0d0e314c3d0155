//! a file that unpacks to more than the process may hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::codes::{KEY, Shop};
use super::ended;

/// A Parquet file of 795 bytes with 700 rows of the same text of 900,000 letters, which stands once in a dictionary.
const BOMB: &str = "\
    UEFSMRUEFcjubRVkTBUCFQASAAAotS/9gEikuw0AbAAAKKC7DQB4AQD4/znQAgIAEHgCABB4AgAQeAIAEHgCABB4I90NeBUAFQYVGCwV+AoVEB\
    UGFQYAACi1L/0gAxkAAAD4ChkSAhkYQHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4\
    eHh4eHgZGEB4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh5FQIZFgAAGRwWjA\
    EVPBYAABkWgKbo2AQAFQIZLEgMYXJyb3dfc2NoZW1hFQIAFQwlABgEdGV4dCUATBwAAAAW+AoZHBkcJgAcFQwZNQAGEBkYBHRleHQVDBb4ChaS\
    720WwAEmjAEmCBw2AChAeHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eRhAeH\
    h4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eBISABksFQQVABUCABUAFRAVAgA8\
    FoCm6NgEAAAW5gMVJBbIARWeAgAWku9tFvgKJggWwAEUAAAZHBgMQVJST1c6c2NoZW1hGMwBLy8vLy81QUFBQUFRQUFBQUFBQUtBQXdBQ2dBSk\
    FBUUFDZ0FBQUFnQUFBQUFBUVFBeVAvLy93UUFBQUFCQUFBQUZBQUFBQkFBR0FBVUFBQUFEd0FFQUJBQUNBQVFBQUFBUUFBQUFEUUFBQUFBQUFB\
    RkVBQUFBRFFBQUFBSUFBZ0FBQUFFQUFnQUFBQU1BQUFBQ0FBTUFBUUFDd0FJQUFBQUlBQUFBQUFBQUFFQUFBQUFCQUFFQUFRQUFBQUVBQUFBZE\
    dWNGRBQUFBQUE9ABgZcGFycXVldC1ycyB2ZXJzaW9uIDU5LjMuMhkcHAAAAA4CAABQQVIx";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r44_a_file_that_unpacks_to_600_mebibytes_is_imported_with_512() {
    let shop = Shop::open().await;
    let path = shop.dir.path().join("bomb.parquet");
    std::fs::write(&path, STANDARD.decode(BOMB).expect("base64")).expect("written");

    let mut limited = tokio::process::Command::new("sh");
    limited.args(["-c", "ulimit -d 524288 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_ferry"), "import"]).arg(&path);
    limited.env_clear().env("FERRY_DATA_DIR", shop.dir.path().join("data")).env("FERRY_SECRET_KEY", KEY);
    limited.env("PATH", "/usr/bin:/bin").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let (code, said, errors) = ended(limited.kill_on_drop(true).spawn().expect("it starts")).await;

    assert_eq!(code, Some(0), "{said}{errors}");
    let rows =
        |name: &str| said.lines().find(|line| line.contains(name)).and_then(|line| line.split_whitespace().last());
    assert_eq!((rows("rows read"), rows("rows rejected")), (Some("700"), Some("0")), "{said}");
}

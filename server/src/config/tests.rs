//! Tests of the settings.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

fn settings(arguments: &[&str]) -> Settings {
    Command::try_parse_from([&["ferry"], arguments].concat()).expect("usable").settings
}

#[test]
fn the_defaults_are_a_local_server_on_sqlite() {
    let config = settings(&["--data-dir", "/var/lib/ferry"]).check().expect("usable");

    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(matches!(&config.database, DatabaseLocation::Sqlite(path) if path == Path::new("/var/lib/ferry/ferry.db")));
    assert_eq!(config.upload_limit, 10 << 30);
    assert_eq!(config.public_address(config.listen), "http://127.0.0.1:8080");
    assert!(!config.is_https());
}

#[test]
fn what_other_machines_reach_without_https_is_told() {
    let is_open = |arguments: &[&str]| settings(arguments).check().expect("usable").is_open_without_https();

    assert!(!is_open(&["--data-dir", "/var/lib/ferry"]));
    let open = ["--data-dir", "/var/lib/ferry", "--listen", "0.0.0.0:8080"];
    assert!(is_open(&open));
    assert!(is_open(&[&open[..], &["--public-url", "http://ferry.example.com"]].concat()));
    assert!(!is_open(&[&open[..], &["--public-url", "https://ferry.example.com"]].concat()));
}

#[test]
fn a_secret_is_read_from_its_file_and_not_printed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (key, url) = (dir.path().join("key"), dir.path().join("url"));
    std::fs::write(&key, "c2VjcmV0LWtleQ==\n").expect("written");
    std::fs::write(&url, "postgres://ferry:pass-word@db/ferry?sslpassword=hidden\n").expect("written");
    let key = key.display().to_string();
    let url = url.display().to_string();

    let settings = settings(&["--secret-key-file", &key, "--database-url-file", &url]);
    let config = settings.check().expect("usable");

    assert_eq!(config.secret_key.as_ref().map(|key| key.expose_secret()), Some("c2VjcmV0LWtleQ=="));
    let printed = format!("{config}\n{config:?}\n{settings:?}");
    assert!(printed.contains("postgres://ferry:***@db/ferry"), "{printed}");
    assert!(!printed.contains("pass-word") && !printed.contains("hidden") && !printed.contains("c2Vj"), "{printed}");
}

#[test]
fn what_cannot_work_is_refused() {
    for arguments in [
        &["--public-url", "https://ferry.example.com/path"][..],
        &["--public-url", "ftp://ferry.example.com"],
        &["--public-url", "https://user@ferry.example.com"],
        &["--database-url", "mysql://x"],
        &["--omnisend-url", "file:///etc/passwd"],
        &["--secret-key-file", "/does/not/exist"],
    ] {
        assert!(settings(arguments).check().is_err(), "{arguments:?}");
    }
    for arguments in [&["--listen", "8080"][..], &["--trusted-proxies", "proxy"], &["--upload-limit", "0"]] {
        assert!(Command::try_parse_from([&["ferry"], arguments].concat()).is_err(), "{arguments:?}");
    }
}

#[test]
fn sizes_are_read_with_their_unit() {
    assert_eq!(read_size("10G"), Ok(10 << 30));
    assert_eq!(read_size("512 m"), Ok(512 << 20));
    assert_eq!(read_size("1048576"), Ok(1 << 20));
    for wrong in ["", "G", "-1", "99999999999G", "1T"] {
        assert!(read_size(wrong).is_err(), "{wrong}");
    }
}

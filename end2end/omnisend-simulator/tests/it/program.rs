//! The program: its address on standard output, its flags, and its end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A program that is killed when the test ends, however it ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> Result<(Program, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnisend-simulator"));
    let child = command
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut program = Program(child);
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().context("no output")?).read_line(&mut line)?;
    let url = line.trim().strip_prefix("omnisend-simulator listens on ").context("no address")?;
    Ok((program, url.to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "a test's own client on loopback")]
async fn ask(url: &str, key: &str) -> Result<u16> {
    // Already there when another test of this process came first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = reqwest::Client::new().get(url).header("authorization", format!("Omnisend-API-Key {key}"));
    Ok(request.header("omnisend-version", "2026-03-15").send().await?.status().as_u16())
}

#[tokio::test]
async fn it_says_where_it_listens_takes_its_keys_and_ends_on_sigterm() -> Result<()> {
    let keys = ["--key", "aaaaaaaaaaaaaaaaaaaaaaaa-one", "--key", "bbbbbbbbbbbbbbbbbbbbbbbb-two=contacts.read"];
    let (mut program, url) = start(&keys)?;
    assert_eq!(ask(&format!("{url}/brands/current"), "aaaaaaaaaaaaaaaaaaaaaaaa-one").await?, 200);
    assert_eq!(ask(&format!("{url}/brands/current"), "bbbbbbbbbbbbbbbbbbbbbbbb-two").await?, 403);
    assert_eq!(ask(&format!("{url}/contacts"), "bbbbbbbbbbbbbbbbbbbbbbbb-two").await?, 200);
    assert_eq!(ask(&format!("{url}/contacts"), "5f0000000000000000000001-practice").await?, 401);
    ensure!(Command::new("kill").args(["-TERM", &program.0.id().to_string()]).status()?.success());
    assert_eq!(program.0.wait()?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn it_reads_a_fault_script_and_refuses_a_broken_one() -> Result<()> {
    let place = std::env::temp_dir().join(format!("omnisend-simulator-{}.toml", std::process::id()));
    let path = place.to_str().context("odd temporary folder")?;
    std::fs::write(&place, "[[rules]]\nnth = [1]\naction = { do = \"status\", status = 503 }\n")?;
    let (_program, url) = start(&["--fault-script", path])?;
    assert_eq!(ask(&format!("{url}/contacts"), "5f0000000000000000000001-practice").await?, 503);
    assert_eq!(ask(&format!("{url}/contacts"), "5f0000000000000000000001-practice").await?, 200);
    std::fs::write(&place, "[[rules]]\nnonsense = 1\n")?;
    assert!(start(&["--fault-script", path]).is_err());
    std::fs::remove_file(&place)?;
    Ok(())
}

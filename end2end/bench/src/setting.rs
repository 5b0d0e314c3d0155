//! Where and with what is measured: the programs, their settings, and the simulator that runs meanwhile.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{Used, run};

/// What is measured, and where.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The `ferry` program.
    pub ferry: PathBuf,
    /// The simulator program.
    pub simulator: PathBuf,
    /// Holds the made-up people from run to run, and the data directory of this run.
    pub work: PathBuf,
    /// How many people.
    pub profiles: u64,
}

const KEY: &str = "5f0000000000000000000001-practice";
/// Seals a key of the simulator, which is worth nothing.
const SECRET_KEY: &str = "dGhpcy1rZXktc2VhbHMtbm90aGluZy1vZi13b3J0aCE=";
const EMAIL: &str = "bench@example.com";

/// A simulator with its limits off. It ends when the measuring ends, however that ends.
pub struct Simulator {
    child: Child,
    address: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Simulator {
    /// The process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// How many requests it has answered that write something.
    pub fn writes(&self) -> Result<u64> {
        let mut stream = TcpStream::connect(&self.address)?;
        // Version 1.0: the answer ends with the connection.
        write!(stream, "GET /_sim/summary HTTP/1.0\r\nHost: simulator\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").context("the simulator answered without a body")?.1;
        let summary: serde_json::Value = serde_json::from_str(body)?;
        let calls = summary["requestsByCall"].as_array().context("the simulator counts no calls")?;
        let writes = calls.iter().filter(|call| call["endpoint"].as_str().is_some_and(|name| !name.starts_with("GET")));
        Ok(writes.filter_map(|call| call["count"].as_u64()).sum())
    }
}

impl Setting {
    /// Ferry's data directory.
    pub fn data(&self) -> PathBuf {
        self.work.join("data")
    }

    /// Starts from nothing: an empty data directory with one administrator, and a simulator without contacts.
    pub fn begin(&self) -> Result<Simulator> {
        std::fs::create_dir_all(&self.work)?;
        if self.data().exists() {
            std::fs::remove_dir_all(self.data())?;
        }
        let mut command = Command::new(&self.simulator);
        command.args(["--listen", "127.0.0.1:0", "--no-limits", "--batch-delay-ms", "0", "--tag-delay-ms", "0"]);
        command.args(["--key", KEY]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("no simulator")?;
        let stdout = child.stdout.take().context("no output of the simulator")?;
        let mut simulator = Simulator { child, address: String::new() };
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some((_, url)) = line.split_once("http://") {
                let address = url.split(['/', ' ']).next().unwrap_or_default();
                address.clone_into(&mut simulator.address);
                break;
            }
        }
        if simulator.address.is_empty() {
            bail!("the simulator told no address");
        }
        self.ferry(&simulator, &["user", "add", EMAIL, "--role", "administrator"])?;
        Ok(simulator)
    }

    /// Runs a command of Ferry to its end. Runs may have rows that were rejected.
    pub fn ferry(&self, simulator: &Simulator, arguments: &[&str]) -> Result<Used> {
        let mut command = Command::new(&self.ferry);
        command
            .args(arguments)
            .env("FERRY_DATA_DIR", self.data())
            .env("FERRY_SECRET_KEY", SECRET_KEY)
            .env("FERRY_OMNISEND_URL", format!("http://{}/api", simulator.address))
            .env("FERRY_OMNISEND_UNLIMITED", "true")
            // A line when the plan is made and when the run has ended: the phases are told by them.
            .env("FERRY_LOG", "info")
            .env("BENCH_KEY", KEY);
        run(&mut command, &[0, 3])
    }
}

//! What a running process takes of the machine.

use tokio::process::Child;

/// Its memory, in bytes.
pub(crate) fn memory(process: &Child) -> u64 {
    let path = format!("/proc/{}/status", process.id().expect("it runs"));
    let status = std::fs::read_to_string(path).expect("read");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// Its open files and connections.
pub(crate) fn open_files(process: &Child) -> usize {
    let path = format!("/proc/{}/fd", process.id().expect("it runs"));
    std::fs::read_dir(path).expect("read").count()
}

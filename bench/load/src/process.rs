//! Processor time and memory of a server and its children, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time that the process and its living children have used so far.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let ticks: u64 = family(pid)?.iter().map(|process| process.ticks).sum();
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok(Duration::from_secs_f64(seconds))
}

/// Their resident memory. What several of them share counts for each.
pub fn memory_mib(pid: u32) -> Result<f64> {
    let kib = family(pid)?.iter().map(|process| resident_kib(process.pid)).sum::<Result<u64>>()?;
    Ok(kib as f64 / 1024.0)
}

/// A process as `/proc/PID/stat` describes it.
struct Process {
    pid: u32,
    parent: u32,
    ticks: u64,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self { pid, parent: u32::try_from(field(1)?).ok()?, ticks: field(11)? + field(12)? })
    }
}

/// The process itself, then its children.
fn family(pid: u32) -> Result<Vec<Process>> {
    let head = Process::read(pid).with_context(|| format!("process {pid} is gone"))?;
    let others =
        fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = others.filter_map(Process::read).filter(|process| process.parent == pid);
    Ok(std::iter::once(head).chain(children).collect())
}

fn resident_kib(pid: u32) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).context("no Rss in smaps_rollup")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

//! `audit verify`: whether the trail is complete and unchanged.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::super::setup;
use super::progress::Progress;
use super::{Failure, Output};
use crate::app::{IfMissing, Stores};
use crate::audit::{
    CheckpointKeys, ExportVerification, Finding, Portion, TrailReader, Verification, VerificationReport,
    VerificationSettings,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::EventRetention;
use crate::keys::custody::public_half;

/// Longer lines are no lines of an export.
const MAX_LINE: usize = 1024 * 1024;
/// What to do if the trail has a fault.
const NEXT_STEP: &str = "Keep a copy of the database, and read \"If there is a fault\" in docs/audit.md";

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// Check this export of `audit export`, without a database
    /// [default: check the database]
    #[arg(long, value_name = "FILE", requires = "keys")]
    from: Option<PathBuf>,
    /// File with the key set (JWKS) that is trusted
    /// [default: the key ring of this service]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// File with checkpoints that were kept elsewhere, such as a copy of
    /// AUDIT_CHECKPOINT_FILE: one JWS a line
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let kept = self.checkpoints.as_deref().map(kept_checkpoints).transpose()?;
        let keys = self.keys.as_deref().map(key_set).transpose()?;
        let report = match (&self.from, keys) {
            (Some(path), Some(keys)) => check_export(path, keys, kept.as_deref(), output)?,
            (_, keys) => setup::runtime()?.block_on(async {
                let (config, stores) = super::open()?;
                let keys = match keys {
                    Some(keys) => keys,
                    None => own_keys(&config).await?,
                };
                check_stores(&config, &stores, keys, kept.as_deref(), output).await
            })?,
        };
        tell(&report, output)
    }
}

async fn check_stores(
    config: &Config,
    stores: &Stores,
    keys: CheckpointKeys,
    kept: Option<&str>,
    output: &Output,
) -> Result<VerificationReport, Failure> {
    let (events, checkpoints) = (stores.events.clone(), stores.checkpoints.clone());
    let mut reader = TrailReader::begin(events, checkpoints, None).await.map_err(Failure::because)?;
    let chain = reader.chain();
    let settings = VerificationSettings { keys, retention: config.event_retention, now: Clock::System.now() };
    let mut verification = Verification::new(settings, chain.base);
    if let Some(kept) = kept {
        verification.compare_with(kept);
    }
    for key in reader.keys().await.map_err(Failure::because)? {
        verification.add_key(&key.jwk);
    }
    let mut progress = Progress::new(chain.head.seq - chain.base.seq, output.is_for_people());
    while let Some(Portion { checkpoints, events }) = reader.next().await.map_err(Failure::because)? {
        checkpoints.iter().for_each(|checkpoint| verification.check_checkpoint(&checkpoint.jws));
        events.iter().for_each(|event| verification.check_stored(event));
        progress.add(events.len() as u64);
    }
    Ok(verification.finish(Some(chain.head)))
}

fn check_export(
    path: &Path,
    keys: CheckpointKeys,
    kept: Option<&str>,
    output: &Output,
) -> Result<VerificationReport, Failure> {
    let fault = |error| Failure::refused(format!("--from {}: {error}", path.display()));
    let file = File::open(path).map_err(fault)?;
    let mut progress = Progress::new(file.metadata().map_err(fault)?.len(), output.is_for_people());
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let (retention, now) = (EventRetention::default(), Clock::System.now());
    let mut line = Vec::new();
    read_line(&mut lines, &mut line).map_err(fault)?;
    let first = String::from_utf8_lossy(&line);
    let verification =
        ExportVerification::begin(first.trim_end(), VerificationSettings { keys, retention, now });
    let mut verification = verification.map_err(Failure::refused)?;
    if let Some(kept) = kept {
        verification.compare_with(kept);
    }
    progress.add(line.len() as u64);
    while read_line(&mut lines, &mut line).map_err(fault)? {
        let text = std::str::from_utf8(&line).unwrap_or_default();
        verification.check(text.strip_suffix('\n').unwrap_or(text));
        progress.add(line.len() as u64);
    }
    Ok(verification.finish())
}

/// Reads the next line, of a longer one its beginning. False at the end.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    std::io::Read::take(from, MAX_LINE as u64).read_until(b'\n', line).map(|length| length > 0)
}

fn read(option: &str, path: &Path) -> Result<String, Failure> {
    let fault = |error| Failure::usage(format!("{option}: cannot read the file {}: {error}", path.display()));
    std::fs::read_to_string(path).map_err(fault)
}

fn kept_checkpoints(path: &Path) -> Result<String, Failure> {
    let text = read("--checkpoints", path)?;
    if text.trim().is_empty() {
        let fault = format!("--checkpoints: the file {} has no checkpoint", path.display());
        return Err(Failure::usage(fault));
    }
    Ok(text)
}

fn key_set(path: &Path) -> Result<CheckpointKeys, Failure> {
    let text = read("--keys", path)?;
    let fault = |error| Failure::usage(format!("--keys: {} is not a key set: {error}", path.display()));
    let mut keys = CheckpointKeys::default();
    for jwk in &jose::JwkSet::from_json(&text).map_err(fault)?.keys {
        if let (Some(kid), Ok(key)) = (jwk.kid(), jose::VerifyingKey::from_jwk(jwk)) {
            keys.add(kid, key);
        }
    }
    Ok(keys)
}

/// The keys with which the service itself checks tokens.
async fn own_keys(config: &Config) -> Result<CheckpointKeys, Failure> {
    let ring = setup::ring(&setup::ring_service(config, IfMissing::Refuse)?).await?;
    let mut keys = CheckpointKeys::default();
    for key in ring.verifying() {
        keys.add(key.kid.as_str(), public_half(key).map_err(Failure::because)?);
    }
    Ok(keys)
}

/// Prints the result; a failure if something was found.
fn tell(report: &VerificationReport, output: &Output) -> Result<(), Failure> {
    let mut lines = vec![events_line(report), checkpoints_line(report)];
    if let Some(fitting) = report.kept_fitting {
        lines.push(format!("{fitting} of the checkpoints that were kept elsewhere are the stored ones"));
    }
    lines.extend(report.findings.iter().map(|finding| format!("FAULT  {finding}")));
    if report.more_findings > 0 {
        lines.push(format!("FAULT  and {} more", report.more_findings));
    }
    output.print(&as_json(report), &lines.join("\n"));
    let count = report.findings.len() as u64 + report.more_findings;
    match count {
        0 => {
            output.print_for_people("The trail is complete and unchanged.");
            Ok(())
        }
        1 => Err(Failure::refused(format!("the trail has a fault. {NEXT_STEP}"))),
        _ => Err(Failure::refused(format!("the trail has {count} faults. {NEXT_STEP}"))),
    }
}

fn events_line(report: &VerificationReport) -> String {
    let VerificationReport { events, without_record, removed_up_to, last_event, .. } = report;
    let mut line = match events {
        0 => "no events".to_owned(),
        1 => format!("1 event ({last_event})"),
        _ => format!("{events} events ({} to {last_event})", removed_up_to + 1),
    };
    if *without_record > 0 {
        line.push_str(&format!(", {without_record} of them expired"));
    }
    if *removed_up_to > 0 {
        line.push_str(&format!("; those up to {removed_up_to} were not checked"));
    }
    line
}

fn checkpoints_line(report: &VerificationReport) -> String {
    let Some(last) = &report.last_checkpoint else { return "no checkpoints".to_owned() };
    let (at, seq, kid) = (last.says.at, last.says.head.seq, &last.kid);
    let behind = report.last_event.saturating_sub(seq);
    format!(
        "{} checkpoints, the last one of {at} for event {seq}, signed with the key {kid}; {behind} events are newer",
        report.checkpoints
    )
}

fn as_json(report: &VerificationReport) -> Value {
    let finding = |finding: &Finding| {
        let mut value = serde_json::to_value(finding).unwrap_or(Value::Null);
        value["text"] = finding.to_string().into();
        value
    };
    json!({
        "ok": report.findings.is_empty(),
        "events": report.events,
        "expired": report.without_record,
        "removed_up_to": report.removed_up_to,
        "last_event": report.last_event,
        "checkpoints": report.checkpoints,
        "last_checkpoint": report.last_checkpoint.as_ref().map(|last| json!({
            "checkpoint": last.says.number,
            "at": last.says.at.to_string(),
            "seq": last.says.head.seq,
            "kid": last.kid,
        })),
        "kept_checkpoints": report.kept_fitting,
        "faults": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "more_faults": report.more_findings,
    })
}

//! `keys plan`: how the schedule follows from the settings, and a diagram of the past and the future.

use std::ops::Range;

use serde_json::json;

use super::super::setup;
use super::{Failure, Output, dated, length, sentence};
use crate::domain::{KeyRecord, RingRecord, Timestamp};
use crate::keys::RingService;
use crate::keys::forecast::{Event, TO_COME, forecast};
use crate::keys::schedule::Schedule;

/// How far the diagram reaches to either side of now, in seconds.
const REACH: u64 = 90 * 86_400;
/// The number of future steps in the text for people.
const SHOWN: usize = 16;
/// The columns of the diagram; now is a line in the middle.
const WIDTH: u64 = 60;

pub(super) async fn plan(ring_service: &RingService, output: &Output) -> Result<(), Failure> {
    let ring = setup::ring(ring_service).await?;
    let (now, schedule) = (ring_service.now(), ring_service.schedule());
    let (later, events) = forecast(&ring, schedule, now, now.plus_secs(REACH));
    let steps: Vec<_> = events
        .iter()
        .map(|event| json!({ "at": event.at.to_string(), "step": sentence(&event.action, schedule) }))
        .collect();
    let value = json!({
        "period": schedule.period_of(&ring),
        "lead": schedule.lead(),
        "jwks_max_age": schedule.jwks_max_age,
        "verifier_cache": schedule.verifier_cache,
        "clock_skew": schedule.clock_skew,
        "staleness": schedule.staleness,
        "longest_token": schedule.longest_token,
        "retirement": schedule.retirement(&ring, schedule.longest_token),
        "kept_until": Some(ring.kept_until).filter(|at| at.as_millis() > 0).map(|at| at.to_string()),
        "steps": steps,
    });
    let text =
        [arithmetic(&ring, schedule), picture(&ring, &later, now), to_come(&events, schedule)].join("\n\n");
    output.print(&value, &text);
    Ok(())
}

fn arithmetic(ring: &RingRecord, schedule: &Schedule) -> String {
    let Schedule { jwks_max_age, verifier_cache, clock_skew, staleness, longest_token, .. } = *schedule;
    let period = schedule.period_of(ring).map_or_else(|| "for good (KEY_ROTATION is off)".to_owned(), length);
    format!(
        "A key signs          {period}\n\
         It is published      {lead} before that, so that every verifier knows it:\n\
         {indent}JWKS_MAX_AGE {max_age} + VERIFIER_CACHE {cache} + clocks {skew} + instances {stale}\n\
         It verifies          {retirement} longer, until its last token has expired:\n\
         {indent}longest token {longest} + instances {stale} + clocks 2 x {skew}",
        indent = " ".repeat(4),
        lead = length(schedule.lead()),
        max_age = length(jwks_max_age),
        cache = length(verifier_cache),
        skew = length(clock_skew),
        stale = length(staleness),
        retirement = length(schedule.retirement(ring, longest_token)),
        longest = length(longest_token),
    )
}

/// A line for each key: `-` published, `#` signing, `=` verifying; `|` is now.
fn picture(ring: &RingRecord, later: &RingRecord, now: Timestamp) -> String {
    let gone = ring.keys.iter().filter(|key| later.find(key.kid.as_str()).is_none());
    let keys: Vec<_> = gone.chain(&later.keys).collect();
    let begin = now.minus_secs(REACH);
    let shown = |kid: &str| if kid.len() > 16 { format!("{}…", &kid[..15]) } else { kid.to_owned() };
    let mut lines = vec![format!(
        "{:16}  {:30}{:>30}",
        "",
        begin.to_string().get(..10).unwrap_or_default(),
        now.plus_secs(REACH).to_string().get(..10).unwrap_or_default()
    )];
    let skipped = keys.len().saturating_sub(SHOWN);
    lines.extend(keys.iter().take(SHOWN).map(|key| {
        let name = if key.kid.as_str().starts_with(TO_COME) {
            "(to come)".to_owned()
        } else {
            shown(key.kid.as_str())
        };
        let cells = |columns: Range<u64>| columns.map(|column| cell(key, begin, column)).collect::<String>();
        format!("{name:16}  {}|{}", cells(0..WIDTH / 2), cells(WIDTH / 2..WIDTH))
    }));
    if skipped > 0 {
        lines.push(format!("{:16}  and {skipped} keys more", ""));
    }
    lines.push(format!("{:16}  {}", "", "published -   signs #   verifies =   now |"));
    lines.join("\n")
}

/// What a key does in a column: what it does at the end of the column. A publication shows in any case.
fn cell(key: &KeyRecord, begin: Timestamp, column: u64) -> char {
    let from = begin.plus_secs(column * 2 * REACH / WIDTH);
    let to = begin.plus_secs((column + 1) * 2 * REACH / WIDTH);
    let by_then = |instant: Option<Timestamp>| instant.is_some_and(|instant| instant <= to);
    let waits = key.activated_at != Some(key.published_at);
    match key {
        _ if key.published_at > to || by_then(key.revoked_at) => ' ',
        _ if key.published_at > from && waits => '-',
        _ if by_then(key.removes_at) => ' ',
        _ if by_then(key.retired_at) => '=',
        _ if by_then(key.activated_at) => '#',
        _ => '-',
    }
}

fn to_come(events: &[Event], schedule: &Schedule) -> String {
    if events.is_empty() {
        return "Nothing is due in the next 90 days.".to_owned();
    }
    let lines = events.iter().map(|event| dated(event.at, &sentence(&event.action, schedule)));
    let mut lines: Vec<_> = lines.take(SHOWN).collect();
    if events.len() > SHOWN {
        lines.push(format!("and {} steps more (--json has them all)", events.len() - SHOWN));
    }
    format!("The next 90 days:\n{}", lines.join("\n"))
}

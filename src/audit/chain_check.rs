//! Checks a chain of events, one event after the other, and names those that were changed, removed, added or moved.

use super::Finding;
use super::checked_event::CheckedEvent;
use super::finding::Findings;
use crate::event_record::ChainHead;

/// The check of a chain.
#[derive(Debug)]
pub(super) struct ChainCheck {
    /// The last event that has its place.
    head: ChainHead,
    /// An event behind it that does not fit. The next event tells whether it was changed or added.
    suspect: Option<CheckedEvent>,
    /// A second event with the number of the last one.
    second: Option<ChainHead>,
    /// The numbers of events that have not come yet, as ranges.
    missing: Vec<(u64, u64)>,
}

impl ChainCheck {
    /// The events behind `base`.
    pub(super) fn new(base: ChainHead) -> Self {
        Self { head: base, suspect: None, second: None, missing: Vec::new() }
    }

    /// The last event that has its place.
    pub(super) fn head(&self) -> ChainHead {
        self.head
    }

    /// Checks the next event. Calls `reached` with each event that has its place.
    pub(super) fn check(
        &mut self,
        event: CheckedEvent,
        findings: &mut Findings,
        reached: &mut impl FnMut(ChainHead, &mut Findings),
    ) {
        if event.seq == self.head.seq.saturating_add(1) {
            return self.check_next(event, findings, reached);
        }
        if self.suspect.is_some() {
            self.settle(findings, reached);
            return self.check(event, findings, reached);
        }
        if event.seq > self.head.seq {
            self.missing.push((self.head.seq + 1, event.seq - 1));
            self.reach(event.place(), findings, reached);
        } else if self.was_missing(event.seq) {
            findings.add(Finding::EventMisplaced { event: event.seq });
        } else {
            findings.add(Finding::EventTwice { event: event.seq });
            self.second = (event.seq == self.head.seq).then(|| event.place());
        }
    }

    /// Ends the check: the last event must be `end`.
    pub(super) fn finish(
        mut self,
        end: Option<ChainHead>,
        findings: &mut Findings,
        reached: &mut impl FnMut(ChainHead, &mut Findings),
    ) -> ChainHead {
        self.settle(findings, reached);
        if let Some(end) = end.filter(|end| end.seq > self.head.seq) {
            self.missing.push((self.head.seq + 1, end.seq));
        }
        for (first, last) in self.missing {
            findings.add(Finding::EventsMissing { first, last });
        }
        self.head
    }

    /// An event with the next number.
    fn check_next(
        &mut self,
        event: CheckedEvent,
        findings: &mut Findings,
        reached: &mut impl FnMut(ChainHead, &mut Findings),
    ) {
        if event.follows(self.head) {
            if let Some(added) = self.suspect.take() {
                findings.add(Finding::EventTwice { event: added.seq });
            }
            self.reach(event.place(), findings, reached);
        } else if self.second.is_some_and(|second| event.follows(second)) {
            self.reach(event.place(), findings, reached);
        } else if self.suspect.is_some() {
            self.settle(findings, reached);
            findings.add(Finding::EventTwice { event: event.seq });
            self.second = Some(event.place());
        } else {
            self.suspect = Some(event);
        }
    }

    /// The event that does not fit was changed: its place is the next one.
    fn settle(&mut self, findings: &mut Findings, reached: &mut impl FnMut(ChainHead, &mut Findings)) {
        if let Some(changed) = self.suspect.take() {
            findings.add(Finding::EventAltered { event: changed.seq });
            self.reach(changed.place(), findings, reached);
        }
    }

    fn reach(
        &mut self,
        place: ChainHead,
        findings: &mut Findings,
        reached: &mut impl FnMut(ChainHead, &mut Findings),
    ) {
        (self.head, self.second) = (place, None);
        reached(place, findings);
    }

    /// Whether an event with this number is missing. From now on it is not.
    fn was_missing(&mut self, seq: u64) -> bool {
        let Some(at) = self.missing.iter().position(|(first, last)| (*first..=*last).contains(&seq)) else {
            return false;
        };
        let (first, last) = self.missing.remove(at);
        self.missing.extend((first < seq).then(|| (first, seq - 1)));
        self.missing.extend((seq < last).then(|| (seq + 1, last)));
        self.missing.sort_unstable();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn record(n: u64) -> String {
        format!(r#"{{"at":"2027-01-15T08:00:00.{n:03}Z","kind":"user.deleted","n":{n}}}"#)
    }

    /// The events 1 to `count` of an honest chain.
    fn chain(count: u64) -> Vec<CheckedEvent> {
        let mut head = ChainHead::BEGIN;
        let mut events = Vec::new();
        for seq in 1..=count {
            let event = CheckedEvent::of_record(seq, &record(seq), [0; 32]).unwrap();
            head = head.next(event.at, &event.kind, &crate::event_record::RecordDigest::of(&record(seq)));
            events.push(CheckedEvent { link: head.link, ..event });
        }
        events
    }

    fn findings(events: Vec<CheckedEvent>) -> Vec<Finding> {
        let end = chain(9).last().unwrap().place();
        let (mut check, mut findings) = (ChainCheck::new(ChainHead::BEGIN), Findings::default());
        let mut last = 0;
        let mut reached = |head: ChainHead, _: &mut Findings| {
            assert!(head.seq > last);
            last = head.seq;
        };
        events.into_iter().for_each(|event| check.check(event, &mut findings, &mut reached));
        check.finish(Some(end), &mut findings, &mut reached);
        findings.into_parts().0
    }

    fn altered(event: &CheckedEvent) -> CheckedEvent {
        CheckedEvent { at: Timestamp::from_secs(1), ..event.clone() }
    }

    #[test]
    fn an_honest_chain_has_no_finding() {
        assert_eq!(findings(chain(9)), []);
    }

    #[test]
    fn a_changed_event_is_named_wherever_it_stands() {
        for n in 1..=9_u64 {
            let mut events = chain(9);
            events[n as usize - 1] = altered(&events[n as usize - 1]);
            assert_eq!(findings(events), [Finding::EventAltered { event: n }]);
        }
    }

    #[test]
    fn missing_events_are_named_wherever_they_stood() {
        for n in 1..=9_u64 {
            let mut events = chain(9);
            events.remove(n as usize - 1);
            assert_eq!(findings(events), [Finding::EventsMissing { first: n, last: n }]);
        }
        let mut events = chain(9);
        events.drain(2..5);
        events.truncate(4);
        let missing = [(3, 5), (8, 9)].map(|(first, last)| Finding::EventsMissing { first, last });
        assert_eq!(findings(events), missing);
    }

    #[test]
    fn an_added_event_is_named_whether_its_link_fits_or_not() {
        for n in 1..=8_usize {
            // The same event once more.
            let mut events = chain(9);
            events.insert(n, events[n - 1].clone());
            assert_eq!(findings(events), [Finding::EventTwice { event: n as u64 }]);
            // Another event in front of the one with its number, with a link that does not fit.
            let mut events = chain(9);
            events.insert(n - 1, altered(&events[n - 1]));
            assert_eq!(findings(events), [Finding::EventTwice { event: n as u64 }]);
            // The same with a link that fits.
            let mut events = chain(9);
            let before = n.checked_sub(2).map_or(ChainHead::BEGIN, |at| events[at].place());
            let added = CheckedEvent::of_record(n as u64, &record(700), [0; 32]).unwrap();
            let digest = crate::event_record::RecordDigest::of(&record(700));
            let link = before.next(added.at, &added.kind, &digest).link;
            events.insert(n - 1, CheckedEvent { link, ..added });
            assert_eq!(findings(events), [Finding::EventTwice { event: n as u64 }]);
        }
    }

    #[test]
    fn moved_events_are_named() {
        for n in 1..=8_usize {
            let mut events = chain(9);
            events.swap(n - 1, n);
            assert_eq!(findings(events), [Finding::EventMisplaced { event: n as u64 }]);
        }
        let mut events = chain(9);
        let third = events.remove(2);
        events.push(third);
        assert_eq!(findings(events), [Finding::EventMisplaced { event: 3 }]);
        // Their contents change places, and their numbers do not.
        let mut events = chain(9);
        let [a, b] = [events[3].clone(), events[6].clone()];
        events[3] = CheckedEvent { seq: 4, ..b };
        events[6] = CheckedEvent { seq: 7, ..a };
        let named = findings(events);
        assert_eq!(named, [4, 5, 7, 8].map(|event| Finding::EventAltered { event }));
    }

    #[test]
    fn two_changed_events_in_a_row_are_named() {
        let mut events = chain(9);
        for n in [3, 4] {
            events[n] = altered(&events[n]);
        }
        assert_eq!(findings(events), [4, 5].map(|event| Finding::EventAltered { event }));
    }
}

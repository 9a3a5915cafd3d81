//! Which piece of a report to ask for next, and whether what comes is what was asked for.

use std::collections::VecDeque;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::report::{Piece, ReportForm, ReportPiece, ReportWanted};

/// The order in which forms are fetched: the shortest first.
const FORMS: [ReportForm; 3] = [ReportForm::Text, ReportForm::Json, ReportForm::Html];

/// The forms of one report, fetched one after the other, and then those of its next edition, if there is one.
#[derive(Debug)]
pub(crate) struct Fetching {
    language: Option<String>,
    edition: u32,
    /// Whether anything of it has come.
    is_there: bool,
    /// The first is the one that is being fetched.
    forms: VecDeque<ReportForm>,
    /// How much of it has come.
    got: u64,
    /// How much of it was asked for.
    asked: u64,
    /// How long it is, once the first piece has come.
    total: Option<u64>,
    /// Pieces that were asked for and have not come.
    open: usize,
}

/// What has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    /// The next bytes of this form, and how many are still to come: with none, all of it is there.
    Bytes {
        /// Of which.
        form: ReportForm,
        /// They.
        bytes: Vec<u8>,
        /// How many are left.
        left: u64,
    },
    /// There is no report in this form.
    Missing(ReportForm),
    /// What came before is the last edition.
    LastEdition,
}

/// Something came that was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAsked;

impl Fetching {
    /// All forms, in this language, or in the scanner's.
    pub(crate) fn new(language: Option<String>) -> Self {
        let (edition, is_there, forms) = (0, false, FORMS.into());
        Self { language, edition, is_there, forms, got: 0, asked: 0, total: None, open: 0 }
    }

    /// Whether everything has come.
    pub(crate) fn is_done(&self) -> bool {
        self.forms.is_empty()
    }

    /// The next piece to ask for, if it is time.
    pub(crate) fn poll_transmit(&mut self) -> Option<ReportWanted> {
        let form = *self.forms.front()?;
        // Until the first has come, nobody knows how many there are.
        let is_free = match self.total {
            None => self.open == 0,
            Some(total) => self.asked < total && self.open < limits::REPORT_PIECES,
        };
        if !is_free {
            return None;
        }
        let offset = self.asked;
        self.asked += limits::REPORT_PIECE as u64;
        self.open += 1;
        Some(ReportWanted { form, language: self.language.clone(), edition: self.edition, offset })
    }

    /// Takes what came.
    pub(crate) fn handle(&mut self, piece: ReportPiece) -> Result<Got, NotAsked> {
        let form = *self.forms.front().ok_or(NotAsked)?;
        if self.open == 0 {
            return Err(NotAsked);
        }
        match piece {
            ReportPiece::Missing { form: missing } if missing == form && self.got == 0 && self.open == 1 => {
                if self.edition > 0 && form == FORMS[0] {
                    self.forms.clear();
                    return Ok(Got::LastEdition);
                }
                self.next_form();
                Ok(Got::Missing(form))
            }
            ReportPiece::Bytes { form: of, offset, total, bytes: Piece(bytes) }
                if of == form && offset == self.got && self.total.is_none_or(|known| known == total) =>
            {
                let length = bytes.len() as u64;
                let is_whole = length == (total - offset).min(limits::REPORT_PIECE as u64);
                if !is_whole {
                    return Err(NotAsked);
                }
                (self.total, self.got, self.open) = (Some(total), self.got + length, self.open - 1);
                self.is_there = true;
                let left = total - self.got;
                if left == 0 {
                    self.next_form();
                }
                Ok(Got::Bytes { form, bytes, left })
            }
            _ => Err(NotAsked),
        }
    }

    fn next_form(&mut self) {
        self.forms.pop_front();
        let has_next = self.is_there && self.edition + 1 < limits::REPORT_EDITIONS;
        if self.forms.is_empty() && has_next {
            (self.edition, self.is_there, self.forms) = (self.edition + 1, false, FORMS.into());
        }
        (self.got, self.asked, self.total, self.open) = (0, 0, None, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// What a scanner answers that has these reports.
    fn answer(reports: &HashMap<ReportForm, Vec<u8>>, wanted: &ReportWanted) -> ReportPiece {
        let form = wanted.form;
        let Some(report) = reports.get(&form) else { return ReportPiece::Missing { form } };
        let (offset, total) = (wanted.offset, report.len() as u64);
        let end = (offset + limits::REPORT_PIECE as u64).min(total);
        let bytes = Piece(report[offset as usize..end as usize].to_vec());
        ReportPiece::Bytes { form, offset, total, bytes }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the lengths are, and however late answers come, every form comes whole and nothing is asked for twice.
        #[test]
        fn reports_come_whole(
            editions in 1..=limits::REPORT_EDITIONS,
            lengths in prop::collection::hash_map(0usize..3, 0usize..400_000, 0..=3),
            delays in prop::collection::vec(0usize..12, 1..200),
        ) {
            let reports: HashMap<_, _> = lengths
                .into_iter()
                .map(|(form, length)| {
                    let bytes = (0..length).map(|at| (at * 7 + form) as u8).collect::<Vec<_>>();
                    (ReportForm::ALL[form], bytes)
                })
                .collect();
            let (mut fetching, mut under_way) = (Fetching::new(None), VecDeque::new());
            let (mut had, mut missing, mut is_last) = (HashMap::<(u32, ReportForm), Vec<u8>>::new(), 0, false);
            let mut delays = delays.into_iter().cycle();
            while !fetching.is_done() {
                while let Some(wanted) = fetching.poll_transmit() {
                    let (form, is_made) = (wanted.form, wanted.edition < editions);
                    let piece = if is_made { answer(&reports, &wanted) } else { ReportPiece::Missing { form } };
                    under_way.push_back((wanted.edition, piece));
                    prop_assert!(under_way.len() <= limits::REPORT_PIECES);
                    if delays.next() == Some(0) {
                        break;
                    }
                }
                let (edition, piece) = under_way.pop_front().expect("something was asked for");
                match fetching.handle(piece) {
                    Ok(Got::Bytes { form, bytes, left }) => {
                        let had = had.entry((edition, form)).or_default();
                        had.extend(bytes);
                        prop_assert_eq!(had.len() as u64 + left, reports[&form].len() as u64);
                    }
                    Ok(Got::Missing(_)) => missing += 1,
                    Ok(Got::LastEdition) => is_last = true,
                    Err(NotAsked) => prop_assert!(false, "it was asked for"),
                }
            }
            prop_assert!(under_way.is_empty());
            // Where there is nothing, nothing more is waited for; the text tells whether there is another edition.
            let has_text = reports.contains_key(&ReportForm::Text);
            let fetched = if has_text { editions } else { reports.len().min(1) as u32 };
            prop_assert_eq!(is_last, !reports.is_empty() && fetched < limits::REPORT_EDITIONS);
            prop_assert_eq!(missing + had.len(), ReportForm::ALL.len() * fetched.max(1) as usize);
            let of_all = reports.iter().flat_map(|(form, report)| {
                (0..fetched).map(|edition| ((edition, *form), report.clone()))
            });
            prop_assert_eq!(had, of_all.collect::<HashMap<_, _>>());
        }
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        let bytes = |form, offset, total, length| ReportPiece::Bytes {
            form,
            offset,
            total,
            bytes: Piece(vec![0; length]),
        };
        let asked = || {
            let mut fetching = Fetching::new(Some("de".into()));
            let wanted = fetching.poll_transmit().expect("the first");
            assert_eq!((wanted.form, wanted.offset, fetching.poll_transmit()), (ReportForm::Text, 0, None));
            fetching
        };
        for wrong in [
            bytes(ReportForm::Html, 0, 3, 3),
            bytes(ReportForm::Text, 1, 3, 2),
            bytes(ReportForm::Text, 0, 3, 2),
            ReportPiece::Missing { form: ReportForm::Json },
        ] {
            assert_eq!(asked().handle(wrong.clone()), Err(NotAsked), "{wrong:?}");
        }
        let mut fetching = asked();
        let total = 2 * limits::REPORT_PIECE as u64;
        fetching.handle(bytes(ReportForm::Text, 0, total, limits::REPORT_PIECE)).expect("the first");
        assert_eq!(fetching.handle(bytes(ReportForm::Text, total / 2, total, 1)), Err(NotAsked), "unasked");
        fetching.poll_transmit().expect("the second");
        let longer = bytes(ReportForm::Text, total / 2, total + 1, limits::REPORT_PIECE);
        assert_eq!(fetching.handle(longer), Err(NotAsked), "another length");
    }
}

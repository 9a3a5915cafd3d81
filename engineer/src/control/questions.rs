//! Questions that the client has not answered yet.

use fieldlink_protocol::reason::Reason;

use super::Broken;

/// Questions that may be open at once. The scanner shows one at a time and says so to a further one, but
/// its word on that takes a moment.
pub(super) const OPEN: usize = 4;

/// Who waits for which answer.
pub(super) struct OpenQuestions<A> {
    /// The number of the last question.
    asked: u32,
    open: Vec<(u32, A)>,
}

impl<A> OpenQuestions<A> {
    /// Nothing was asked yet.
    pub(super) fn new() -> Self {
        Self { asked: 0, open: Vec::new() }
    }

    /// Numbers a question of `asker`'s, or gives the asker back: too many are open.
    pub(super) fn add(&mut self, asker: A) -> Result<u32, A> {
        if self.open.len() >= OPEN {
            return Err(asker);
        }
        self.asked += 1;
        self.open.push((self.asked, asker));
        Ok(self.asked)
    }

    /// Who waits for the answer to `request`; `None` if it was taken back and the answer was under way
    /// already; an answer to what was never asked is made up.
    pub(super) fn answered(&mut self, request: u32) -> Result<Option<A>, Broken> {
        if request == 0 || request > self.asked {
            return Err(Broken(Reason::Incompatible));
        }
        let at = self.open.iter().position(|&(open, _)| open == request);
        Ok(at.map(|at| self.open.remove(at).1))
    }

    /// Takes back the question of an asker who is gone, if there is one.
    pub(super) fn withdraw(&mut self, mut is_gone: impl FnMut(&mut A) -> bool) -> Option<u32> {
        let at = self.open.iter_mut().position(|(_, asker)| is_gone(asker))?;
        Some(self.open.remove(at).0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_finds_who_asked_once() {
        let mut questions = OpenQuestions::new();
        assert_eq!((questions.add('a'), questions.add('b')), (Ok(1), Ok(2)));
        assert_eq!(questions.answered(2), Ok(Some('b')));
        assert_eq!(questions.answered(2), Ok(None));
        assert_eq!(questions.withdraw(|&mut asker| asker == 'a'), Some(1));
        assert_eq!(questions.answered(1), Ok(None), "it was under way");
        for never_asked in [0, 3, u32::MAX] {
            assert_eq!(questions.answered(never_asked), Err(Broken(Reason::Incompatible)));
        }
    }

    #[test]
    fn a_few_are_open_at_once() {
        let mut questions = OpenQuestions::new();
        (1..=OPEN as u32).for_each(|number| assert_eq!(questions.add(()), Ok(number)));
        assert_eq!(questions.add(()), Err(()));
        assert_eq!(questions.answered(1), Ok(Some(())));
        assert_eq!(questions.add(()), Ok(OPEN as u32 + 1));
    }

    proptest! {
        /// Whatever happens, an answer reaches the asker of that question, or is dropped.
        #[test]
        fn no_answer_goes_astray(steps in prop::collection::vec((0u8..3, 0u32..12), 1..80)) {
            let mut questions = OpenQuestions::new();
            let mut asked = 0;
            for (step, number) in steps {
                match step {
                    0 => if questions.add(asked + 1) == Ok(asked + 1) { asked += 1 },
                    1 => match questions.answered(number) {
                        Ok(asker) => prop_assert!(asker.is_none_or(|asker| asker == number)),
                        Err(_) => prop_assert!(number == 0 || number > asked),
                    },
                    _ => {
                        let gone = questions.withdraw(|&mut asker| asker == number);
                        prop_assert!(gone.is_none_or(|gone| gone == number));
                    }
                }
            }
        }
    }
}

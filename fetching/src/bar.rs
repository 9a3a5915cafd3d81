//! How far it is, as a bar for a terminal.

use super::Step;

/// How long the bar is, in characters.
const LENGTH: u64 = 24;

/// A bar and a percentage.
pub fn bar(step: Step) -> String {
    let (done, of) = match step {
        Step::Collecting { done, of } => (done.into(), of.into()),
        Step::Saving { done, of } => (done, of),
    };
    let part = |most: u64| (done.min(of) * most).checked_div(of).unwrap_or(most);
    let filled = usize::try_from(part(LENGTH)).unwrap_or_default();
    let length = usize::try_from(LENGTH).unwrap_or_default();
    format!("[{:<length$}] {:>3} %", "#".repeat(filled), part(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills() {
        assert_eq!(bar(Step::Collecting { done: 0, of: 7 }), "[                        ]   0 %");
        assert_eq!(bar(Step::Saving { done: 512, of: 1024 }), "[############            ]  50 %");
        assert_eq!(bar(Step::Saving { done: 9, of: 9 }), "[########################] 100 %");
        assert_eq!(bar(Step::Saving { done: 0, of: 0 }), "[########################] 100 %");
    }
}

//! The table.

use std::path::Path;

use serde::Serialize;

/// Which way is good.
#[derive(Clone, Copy, Serialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

#[derive(Serialize)]
struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Option<f64>,
    better: Better,
    met: Option<bool>,
}

/// What was measured, in the order in which it is shown.
#[derive(Default)]
pub(crate) struct Rows(Vec<Row>);

impl Rows {
    /// A figure with a goal.
    pub(crate) fn goal(&mut self, name: &str, value: f64, unit: &'static str, goal: f64, better: Better) {
        let met = if better == Better::Lower { value <= goal } else { value >= goal };
        self.0.push(Row { name: name.to_owned(), value, unit, goal: Some(goal), better, met: Some(met) });
    }

    /// A figure to compare with.
    pub(crate) fn info(&mut self, name: &str, value: f64, unit: &'static str, better: Better) {
        self.0.push(Row { name: name.to_owned(), value, unit, goal: None, better, met: None });
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        println!("\n{:<52} {:>10} {:<8} {:>10}", "", "measured", "unit", "goal");
        for row in &self.0 {
            let goal = match row.goal {
                Some(goal) => format!("{} {goal}", if row.better == Better::Lower { "≤" } else { "≥" }),
                None => String::new(),
            };
            let verdict = match row.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            println!("{:<52} {:>10.2} {:<8} {goal:>10}  {verdict}", row.name, row.value, row.unit);
        }
    }

    /// Writes the same as JSON.
    pub(crate) fn write(&self, path: &Path) {
        let text = serde_json::to_string_pretty(&self.0).expect("finite numbers");
        std::fs::write(path, text).expect("the target directory is writable");
    }
}

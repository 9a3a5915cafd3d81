//! The table: warnings first, then every part.

use fieldlink_protocol::health::{Concern, Severity, concerns};
use fieldlink_protocol::messages::health::Health;
use fieldlink_protocol::text;
use fieldlink_words::wrap::{width, wrap};
use serde_json::{Value, json};

use crate::words::Words;

/// Width of a terminal that everybody has.
const COLUMNS: usize = 80;
/// Width of the first column.
const LABEL: usize = 16;
/// Width of the second one, where a part has a name.
const NAME: usize = 22;
/// Longest name of a part, in characters.
const LONGEST_NAME: usize = 30;

/// For programs, on one line: the health, and beside it what of it is worth a warning.
pub fn to_json(words: &Words, health: &Health) -> String {
    let concern = |(severity, concern): &(Severity, Concern)| {
        let mut value = json!(concern);
        if let Value::Object(fields) = &mut value {
            fields.insert("severity".to_owned(), json!(severity));
            fields.insert("sentence".to_owned(), words.concern(concern).into());
        }
        value
    };
    let concerns: Vec<_> = concerns(health).iter().map(concern).collect();
    format!("{}\n", json!({ "health": health, "concerns": concerns }))
}

/// For people: warnings, then every part, in lines no wider than 80 columns.
pub fn to_text(words: &Words, health: &Health, is_coloured: bool) -> String {
    let mut text = String::new();
    let concerns = concerns(health);
    for (severity, concern) in &concerns {
        let line = format!("! {}", words.concern(concern));
        let wrapped = fit(&line, COLUMNS - 2).join("\n  ");
        let colour = if *severity == Severity::Bad { "31" } else { "33" };
        match is_coloured {
            true => text += &format!("\u{1b}[{colour}m{wrapped}\u{1b}[0m\n"),
            false => text += &format!("{wrapped}\n"),
        }
    }
    if concerns.is_empty() {
        text += &format!("{}\n", words.say("health-well"));
    }
    text.push('\n');
    let mut table = Table { words, text };
    add_whole(&mut table, health);
    add_parts(&mut table, health);
    add_rest(&mut table, health);
    table.text
}

/// What there is once.
fn add_whole(table: &mut Table, health: &Health) {
    let words = table.words;
    let once = [
        ("health-device", words.device(health)),
        ("health-system", words.system(health)),
        ("health-uptime", health.uptime_seconds.map(|seconds| words.uptime(seconds))),
        ("health-cpu", health.cpu.map(|cpu| words.cpu(cpu))),
        ("health-memory", health.memory.map(|memory| words.memory(memory))),
    ];
    once.into_iter().for_each(|(id, value)| table.add(id, value));
}

/// What there may be several of.
fn add_parts(table: &mut Table, health: &Health) {
    let words = table.words;
    table.add_named("health-disk", health.disks.iter().map(|disk| (&disk.mount, words.disk(disk))));
    let sensors = health.temperatures.iter().map(|sensor| (&sensor.label, words.temperature(sensor)));
    table.add_named("health-temperature", sensors);
    let turning = |rpm: u32| words.say_with("health-rpm", &[("rpm", rpm.to_string().into())]);
    table.add_named("health-fan", health.fans.iter().map(|fan| (&fan.label, turning(fan.rpm))));
    let batteries = health.batteries.iter().map(|battery| (&battery.label, words.battery(battery)));
    table.add_named("health-battery", batteries);
}

/// What else there is to say.
fn add_rest(table: &mut Table, health: &Health) {
    let words = table.words;
    table.add("health-network", health.network.clone().filter(|code| !code.is_empty()));
    table.add(
        "health-failed-units",
        health.failed_units.as_ref().map(|units| match units.is_empty() {
            true => words.say("health-none"),
            false => units.join(", "),
        }),
    );
    table.add("health-clock", health.clock.map(|clock| words.clock(clock)));
    table.add("health-updates", health.updates.map(|updates| words.updates(updates)));
    for probe in &health.probes {
        let readings = probe.readings.iter().map(|reading| (&reading.name, words.reading(reading)));
        table.add_labelled(&probe.name, readings);
        if let Some(fault) = probe.fault {
            let label = if probe.readings.is_empty() { probe.name.as_str() } else { "" };
            table.line(label, &words.fault(fault));
        }
    }
    let missing: Vec<_> = health.missing.iter().map(|source| words.health_source(*source)).collect();
    table.add("health-missing", (!missing.is_empty()).then(|| missing.join(", ")));
}

struct Table<'w> {
    words: &'w Words,
    text: String,
}

impl Table<'_> {
    fn add(&mut self, id: &str, value: Option<String>) {
        if let Some(value) = value {
            self.line(&self.words.say(id), &value);
        }
    }

    fn add_named<'a>(&mut self, id: &str, parts: impl Iterator<Item = (&'a String, String)>) {
        self.add_labelled(&self.words.say(id), parts);
    }

    /// Parts below each other, the first one behind the label.
    fn add_labelled<'a>(&mut self, label: &str, parts: impl Iterator<Item = (&'a String, String)>) {
        for (place, (name, value)) in parts.enumerate() {
            let label = if place == 0 { label } else { "" };
            self.put(&format!("{}{} ", labelled(label), named(name)), &value);
        }
    }

    /// What has a label and no name.
    fn line(&mut self, label: &str, value: &str) {
        self.put(&labelled(label), value);
    }

    /// A value behind what stands before it; where it is continued, it is indented as much.
    fn put(&mut self, before: &str, value: &str) {
        let indent = width(before);
        for (place, line) in fit(value, COLUMNS - indent).iter().enumerate() {
            let before = if place == 0 { before.to_owned() } else { " ".repeat(indent) };
            self.text += format!("{before}{line}").trim_end();
            self.text.push('\n');
        }
    }
}

/// The first column.
fn labelled(label: &str) -> String {
    format!("{:<LABEL$}", text::clean(label, LABEL - 2))
}

/// The second one; a name that is longer pushes its value aside.
fn named(name: &str) -> String {
    format!("{:<NAME$}", text::clean(name, LONGEST_NAME))
}

/// Lines no wider than `columns`, also where a word is.
fn fit(value: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for wrapped in wrap(value, columns).split('\n') {
        let mut line = String::new();
        for character in wrapped.chars() {
            if width(&line) + width(character.encode_utf8(&mut [0; 4])) > columns {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests;

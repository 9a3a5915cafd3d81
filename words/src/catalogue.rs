//! What stands in a file of messages: for tests that compare languages with each other and with the code.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast;

/// Every message in `text` by name, each with the names of its arguments. Fails at a line that is no message.
pub fn arguments_by_message(text: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let resource = fluent_syntax::parser::parse(text).map_err(|(_, errors)| format!("{errors:?}"))?;
    let entries = resource.body.into_iter().filter_map(|entry| match entry {
        ast::Entry::Message(message) => {
            let mut names = BTreeSet::new();
            collect(message.value.as_ref()?, &mut names);
            Some((message.id.name.to_owned(), names))
        }
        _ => None,
    });
    Ok(entries.collect())
}

fn collect(pattern: &ast::Pattern<&str>, names: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let ast::PatternElement::Placeable { expression } = element else { continue };
        let inline = match expression {
            ast::Expression::Inline(inline) => inline,
            ast::Expression::Select { selector, variants } => {
                variants.iter().for_each(|variant| collect(&variant.value, names));
                selector
            }
        };
        if let ast::InlineExpression::VariableReference { id } = inline {
            names.insert(id.name.to_owned());
        }
    }
}

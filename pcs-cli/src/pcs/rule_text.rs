//! Rules as text.

use pcs::rule::RuleView;

fn with_id(text: String, id: &str, ids: bool) -> String {
    if ids { format!("{text} (id: {id})") } else { text }
}

/// Shows a rule or an expression of one.
pub(crate) fn lines(view: &RuleView, ids: bool) -> Vec<String> {
    if view.kind == "RULE" {
        let options = view.option_words();
        let mut lines = vec![with_id(format!("Rule: {options}"), &view.id, ids)];
        for expression in &view.expressions {
            lines.extend(self::lines(expression, ids).into_iter().map(|line| format!("  {line}")));
        }
        return lines;
    }
    let get = |key: &str| view.option(key).unwrap_or_default();
    match (&view.date_spec, &view.duration) {
        (Some(spec), _) => {
            vec![
                with_id("Expression:".to_owned(), &view.id, ids),
                with_id(format!("  Date Spec: {}", spec.text()), &spec.id, ids),
            ]
        }
        (None, Some(duration)) => {
            let start = get("start");
            let start = if start.is_empty() { String::new() } else { format!("{start} ") };
            vec![
                with_id(format!("Expression: date in_range {start}to duration"), &view.id, ids),
                with_id(format!("  Duration: {}", duration.text()), &duration.id, ids),
            ]
        }
        (None, None) => {
            vec![with_id(format!("Expression: {}", view.as_string), &view.id, ids)]
        }
    }
}

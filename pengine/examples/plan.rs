//! Plans a document: `plan -x FILE [-G GRAPH] [-D DOT] [-s]` (for development); `plan -x FILE -Q`
//! only plans, and throws the graph away, for profiles.
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).map(|at| args[at + 1].clone());
    let text = std::fs::read_to_string(value("-x").unwrap_or_default()).unwrap_or_default();
    let Ok(document) = cib::parse(&text) else { return };
    let now = model::WallTime::from_secs(1_700_000_000);
    if args.iter().any(|a| a == "-Q") {
        let nowhere = cib::XmlStream::new(std::io::sink());
        let options = pengine::Options::default();
        let plan = pengine::schedule_into(&document, now, &options, nowhere);
        std::mem::forget((document, plan));
        return;
    }
    let plan = pengine::schedule(
        &document,
        now,
        &pengine::Options { dot: pengine::Dot::Needed, scores: true, ..Default::default() },
    );
    if let Some(path) = value("-G") {
        let _written = std::fs::write(path, plan.graph.to_xml());
    }
    if let Some(path) = value("-D") {
        let _written = std::fs::write(path, &plan.dot);
    }
    let mut out = String::new();
    if args.iter().any(|a| a.starts_with("-s")) {
        for line in &plan.scores {
            out.push_str(line);
            out.push('\n');
        }
    } else {
        for action in &plan.report.actions {
            out.push_str(&action.line);
            out.push('\n');
        }
    }
    let _written = std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes());
}

//! `pcs resource relations`.

use super::context::{Cli, Context, Failure, fail};

/// Runs `pcs resource relations ID`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--full", "--output-format"])?;
    let [id] = words else {
        return Err(Failure::Usage { area: "resource", command: "relations" });
    };
    let cib = context.configuration()?;
    match pcs::resource::find(&cib, id) {
        None => {
            context.hint_text(&pcs::resource::near(&cib, id).into_iter().collect::<Vec<_>>());
            fail(format!("resource '{id}' does not exist"))
        }
        Some(element) if pcs::resource::is_stonith(element) => fail(
            "This command does not accept stonith resource.\nError: Errors have occurred, therefore pcs is unable to continue",
        ),
        Some(_) => {
            let tree = pcs::resource::relations::tree(&cib, id);
            if !context.as_json(|| &tree)? {
                context.print_lines(&tree.lines(context.has("--full")));
            }
            Ok(())
        }
    }
}

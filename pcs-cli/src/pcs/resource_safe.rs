//! `pcs resource disable --safe` and `--simulate`: what else would happen.

use pcs::resource::{enable, safe};

use super::context::{Cli, Context, fail, print_error};
use super::{plan_text, planning, resource_explain};

/// Disables resources when nothing else is affected, or only shows what would be.
pub(crate) fn disable(context: &mut Context, words: &[String]) -> Cli {
    let (simulate, brief) = (context.has("--simulate"), context.has("--brief"));
    if simulate && context.has("--wait") {
        return fail("Only one of '--simulate', '--wait' can be used");
    }
    if context.force() && !simulate {
        print_error(
            "Warning: option '--force' is specified therefore checks for disabling resource safely will be skipped",
        );
        return run(context, words);
    }
    let ((before, after), disabled) = context.attempt(|env| {
        let disabled = enable::expand(env, words)?;
        enable::disable(env, words)?;
        Ok(disabled)
    })?;
    let before = resource_explain::current(before)?;
    let after = resource_explain::current(after)?;
    let stage = planning::stage(&before, &after, simulate);
    let strict = !context.has("--no-strict");
    let affected = safe::affected(&after, &disabled, &stage, strict);
    if simulate {
        if brief {
            context.print_lines(&affected);
        } else {
            context.print_lines(&plan_text::lines(std::slice::from_ref(&stage)));
        }
        return Ok(());
    }
    if !affected.is_empty() && !brief {
        context.print_lines(&plan_text::lines(std::slice::from_ref(&stage)));
    }
    context.read(|env| safe::check(env, &disabled, &affected))?;
    run(context, words)
}

fn run(context: &mut Context, words: &[String]) -> Cli {
    let wait = context.wait()?;
    context.change(|env| enable::disable(env, words))?;
    context.settle(wait)
}

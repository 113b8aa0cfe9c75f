//! `crm_resource --digests`: what is compared to find out that parameters have changed.

use std::fmt::Write as _;

use cib::{Element, upgrade};
use model::{ExitCode, WallTime};
use pengine::Options;
use pengine::parameter_digests::{self, Digest};

use crate::clock;

use super::answer::Answer;
use super::crm_resource::{Call, Said, fail, none};

/// Shows the digests of a resource's parameters on a node.
pub(super) fn run(call: &mut Call) -> Result<Said, Answer> {
    let id = call.resource()?.to_owned();
    let Some(node) = call.node().map(str::to_owned) else {
        return Err(fail(ExitCode::Usage, "Must supply a node name with -N"));
    };
    let instead = call.instead()?;
    let document = call.document()?;
    let element = call.element(&document)?;
    if element.name() != "primitive" {
        let kind = pcs::resource::kind(&element);
        return Err(none(
            ExitCode::UnimplementFeature,
            &format!("'{id}' is a {kind}; a primitive has digests"),
        ));
    }
    let document = upgrade::to_current(&document).unwrap_or(document);
    let here = clock::here();
    let now = WallTime::from_secs(here.seconds);
    let options = Options { utc_offset: here.offset, ..Options::default() };
    let found = parameter_digests::read(&document, now, &options, (&id, &node), &instead);
    let Some(found) = found else {
        return Err(none(ExitCode::NoSuch, &format!("Node '{node}' not found")));
    };
    let mut said = Said::default();
    let mut xml = Element::new("digests")
        .with("resource", found.resource.as_str())
        .with("node", node.as_str())
        .with("task", found.task.as_str())
        .with("interval", format!("{}ms", found.interval_ms));
    let mut show = |kind: &str, words: &str, digest: &Digest| {
        let _infallible = writeln!(said.text, "{} ({words} parameters)", digest.hash);
        let mut parameters = Element::new("parameters");
        for (name, value) in &digest.parameters {
            parameters.set(name, value.as_str());
        }
        let one = Element::new("digest").with("type", kind).with("hash", digest.hash.as_str());
        xml.push(one.with_child(parameters));
    };
    show("all", "all", &found.all);
    show("nonprivate", "non-private", &found.open);
    if let Some(fixed) = &found.fixed {
        show("nonreloadable", "non-reloadable", fixed);
    }
    said.xml.push(xml);
    Ok(said)
}

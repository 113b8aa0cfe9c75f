//! Features: templates and tags, and constraints that name them.

use cib::Element;

use crate::dice::Dice;
use crate::draft::Draft;

/// What resources made from a template have of it.
const OF_TEMPLATE: [&str; 4] = ["class", "provider", "type", "template"];

/// Lets some resources take what they are, and their operations, from a template.
pub(crate) fn templates(draft: &mut Draft, dice: &mut Dice) {
    for id in ["ta", "tb"].into_iter().take(dice.between(1, 2)) {
        let plain: Vec<String> = draft
            .leaves
            .iter()
            .filter(|leaf| leaf.kind == "Dummy")
            .map(|leaf| leaf.id.clone())
            .collect();
        let mut template: Option<Element> = None;
        for name in plain {
            let Some(resource) = draft.find_resource_mut(&name) else { continue };
            if resource.get("template").is_some() || !dice.percent(50) {
                continue;
            }
            if template.is_none() {
                let mut made = Element::new("template").with("id", id);
                for attribute in &OF_TEMPLATE[..3] {
                    if let Some(value) = resource.get(attribute) {
                        made.set(attribute, value);
                    }
                }
                made.push(common_operations(id, dice));
                if dice.percent(60) {
                    let set = format!("{id}-meta");
                    made.push(
                        Element::new("meta_attributes").with("id", set.as_str()).with_child(
                            Element::new("nvpair")
                                .with("id", format!("{set}-stickiness"))
                                .with("name", "resource-stickiness")
                                .with("value", dice.word(&["50", "1000", "INFINITY"])),
                        ),
                    );
                }
                template = Some(made);
            }
            for attribute in &OF_TEMPLATE[..3] {
                resource.unset(attribute);
            }
            resource.set("template", id);
        }
        draft.resources.extend(template);
    }
}

/// Operations of a template: some that its resources have themselves, some that they don't.
fn common_operations(id: &str, dice: &mut Dice) -> Element {
    let mut operations = Element::new("operations");
    for (name, seconds) in [("monitor", 10), ("monitor", 45), ("start", 0)] {
        if !dice.percent(50) {
            continue;
        }
        let mut operation = Element::new("op")
            .with("id", format!("{id}-{name}-{seconds}"))
            .with("name", name)
            .with("interval", format!("{seconds}s"));
        if dice.percent(40) {
            operation.set("on-fail", dice.word(&["ignore", "block", "standby"]));
        }
        operations.push(operation);
    }
    operations
}

/// Tags resources.
pub(crate) fn tags(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for id in ["tag-a", "tag-b"].into_iter().take(dice.between(1, 2)) {
        let mut left = names.clone();
        let mut tag = Element::new("tag").with("id", id);
        for _ in 0..dice.between(1, 3) {
            if left.is_empty() {
                break;
            }
            let name = left.remove(dice.below(left.len()));
            tag.push(Element::new("obj_ref").with("id", name));
        }
        draft.tags.push(tag);
    }
}

/// Lets constraints name tags and templates instead of resources.
pub(crate) fn by_tag(draft: &mut Draft, dice: &mut Dice) {
    let mut many: Vec<(String, Vec<String>)> = draft
        .tags
        .iter()
        .map(|tag| {
            let members = tag.children().filter_map(Element::id).map(str::to_owned).collect();
            (tag.id().unwrap_or_default().to_owned(), members)
        })
        .collect();
    for template in draft.resources.iter().filter(|one| one.name() == "template") {
        let id = template.id().unwrap_or_default();
        let made = draft
            .resources
            .iter()
            .flat_map(Element::descendants)
            .filter(|one| one.get("template") == Some(id))
            .filter_map(Element::id)
            .map(str::to_owned)
            .collect();
        many.push((id.to_owned(), made));
    }
    for constraint in &mut draft.constraints {
        for end in ["rsc", "with-rsc", "first", "then"] {
            let others: Vec<String> = ["rsc", "with-rsc", "first", "then"]
                .into_iter()
                .filter(|other| *other != end)
                .filter_map(|other| constraint.get(other))
                .map(str::to_owned)
                .collect();
            if constraint.get(end).is_none() || many.is_empty() || !dice.percent(25) {
                continue;
            }
            let (id, members) = dice.pick(&many);
            // nothing is related to itself, nor to what it is in
            if others.is_empty()
                || others.iter().all(|other| other != id && !members.contains(other))
                    && !others.iter().any(|other| many.iter().any(|(id, _)| id == other))
            {
                constraint.set(end, id.as_str());
            }
        }
    }
}

//! A tool's change of the configuration, tried on a copy.

use cib::Element;
use cib::edit::{self, Request, Target};
use cib::versions::Version;
use model::ExitCode;

use super::message::{Change, Outcome};

/// Returns the document a change makes of `head`, and the XML its asker gets back.
///
/// # Errors
/// The outcome its asker gets instead; nothing is changed.
pub(super) fn make(head: &Element, change: &Change) -> Result<(Element, String), Outcome> {
    let version = Version::of(head);
    let base = format!("{}.{}", version.admin_epoch, version.epoch);
    if !change.base.is_empty() && change.base != base {
        return Err(Outcome::refused(
            ExitCode::Old,
            format!(
                "the configuration was changed meanwhile (it is {base} now, this change was made \
                 from {}); nothing was done, look at it and try again",
                change.base
            ),
        ));
    }
    let request = request(change)?;
    let document =
        edit::apply(head, &request).map_err(|error| Outcome::refused(error.code, error.message))?;
    Ok((document, String::new()))
}

fn request(change: &Change) -> Result<Request, Outcome> {
    let target = if !change.xpath.is_empty() {
        Target::XPath(change.xpath.clone())
    } else if !change.section.is_empty() {
        Target::Section(change.section.clone())
    } else {
        Target::Document
    };
    let parse = || {
        cib::parse(&change.xml).map_err(|error| {
            Outcome::refused(ExitCode::DataErr, format!("this is not XML: {error}"))
        })
    };
    let optional = || if change.xml.trim().is_empty() { Ok(None) } else { parse().map(Some) };
    Ok(match change.action.as_str() {
        "create" => Request::Create { target, xml: parse()? },
        "modify" => Request::Modify { target, xml: parse()?, allow_create: change.allow_create },
        "replace" => Request::Replace { target, xml: parse()? },
        "delete" => Request::Delete { target, xml: optional()? },
        "delete-all" => Request::DeleteAll { target, xml: optional()? },
        "patch" => Request::Patch(parse()?),
        "upgrade" => Request::Upgrade,
        "erase" => Request::Erase,
        "bump" => Request::Bump,
        other => {
            return Err(Outcome::refused(
                ExitCode::Usage,
                format!("`{other}` is no change this version knows"),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::store::empty_document;

    fn create(xml: &str, base: &str) -> Change {
        Change {
            action: "create".into(),
            section: "resources".into(),
            xml: xml.into(),
            base: base.into(),
            ..Change::default()
        }
    }

    const DUMMY: &str = "<primitive id=\"a\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/>";

    #[test]
    fn a_change_made_from_another_version_is_refused() {
        let head = empty_document();
        assert!(make(&head, &create(DUMMY, "0.0")).is_ok());
        let refused = make(&head, &create(DUMMY, "0.7")).unwrap_err();
        assert_eq!(refused.code, ExitCode::Old);
        assert!(refused.message.contains("0.7"), "{}", refused.message);
    }

    #[test]
    fn what_is_no_xml_or_no_action_is_refused() {
        let head = empty_document();
        assert_eq!(make(&head, &create("banana", "")).unwrap_err().code, ExitCode::DataErr);
        let odd = Change { action: "frobnicate".into(), ..Change::default() };
        assert_eq!(make(&head, &odd).unwrap_err().code, ExitCode::Usage);
    }
}

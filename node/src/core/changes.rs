//! A tool's change of the configuration, tried on a copy.

use cib::Element;
use cib::acl::Permissions;
use cib::edit::{Request, Target};
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
    let document = Permissions::of(head, &change.caller.user, &change.caller.groups)
        .apply(head, &request)
        .map_err(|error| Outcome::refused(error.code, error.message))?;
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
    fn the_access_lists_of_the_document_that_is_met_decide() {
        let acls = "<acls><acl_target id=\"ann\"><role id=\"w\"/></acl_target>\
                    <acl_group id=\"ops\"><role id=\"w\"/></acl_group><acl_role id=\"w\">\
                    <acl_permission id=\"p\" kind=\"write\" xpath=\"//resources\"/></acl_role></acls>";
        let property = "<cluster_property_set id=\"cs\"><nvpair id=\"cn\" name=\"enable-acl\" \
                        value=\"true\"/></cluster_property_set>";
        let mut head = empty_document();
        let configuration = head.child_or_insert("configuration");
        configuration.push(cib::parse(acls).unwrap());
        configuration.child_or_insert("crm_config").push(cib::parse(property).unwrap());
        let made = |user: &str, groups: &[&str]| {
            let groups = groups.iter().map(|group| (*group).to_owned()).collect();
            let caller =
                super::super::message::Caller { user: user.into(), groups, ..Default::default() };
            let change = Change { caller, ..create(DUMMY, "") };
            make(&head, &change).map(|_| ()).map_err(|refused| refused.code)
        };
        assert_eq!(made("root", &[]), Ok(()));
        assert_eq!(made("ann", &[]), Ok(()));
        assert_eq!(made("bob", &["ops"]), Ok(()));
        assert_eq!(made("bob", &["haclient"]), Err(ExitCode::InsufficientPriv));
    }

    #[test]
    fn what_is_no_xml_or_no_action_is_refused() {
        let head = empty_document();
        assert_eq!(make(&head, &create("banana", "")).unwrap_err().code, ExitCode::DataErr);
        let odd = Change { action: "frobnicate".into(), ..Change::default() };
        assert_eq!(make(&head, &odd).unwrap_err().code, ExitCode::Usage);
    }
}

//! The three digests that Pacemaker knows: of a document on disk (v1), of a document on the wire
//! (v2), and of an operation's parameters.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use crate::tree::Element;

/// Attributes of `<cib>` and of histories that say who wrote, not what; v2 leaves them out.
pub(crate) const PROVENANCE: [&str; 5] =
    ["crm-debug-origin", "cib-last-written", "update-origin", "update-client", "update-user"];

/// Returns the digest that stands in `cib.xml.sig` and in patches without a document.
pub fn v1(element: &Element) -> String {
    md5_of(&[" ", &element.to_xml_compact(), "\n"])
}

/// Returns the digest by which replicas and patches compare documents: white space and notes about
/// who wrote do not count (comments do).
pub fn v2(element: &Element) -> String {
    md5_of(&[&element.to_xml_without(&PROVENANCE)])
}

/// Which of an operation's parameters are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters<'a> {
    /// All of them (`op-digest`).
    All,
    /// All but these, the private ones (`op-secure-digest`).
    Except(&'a [&'a str]),
    /// Only these, whose change needs a restart (`op-restart-digest`).
    Only(&'a [&'a str]),
}

/// Returns the digest of an operation's parameters, as histories hold it.
///
/// `parameters` may hold everything an agent is called with; what does not count is dropped here:
/// `CRM_meta_*` (but the timeout of a recurring operation does count) and notes about the call.
pub fn operation<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    interval_ms: u64,
    which: Parameters<'_>,
) -> String {
    v1(&operation_element(parameters, interval_ms, which))
}

/// Returns the `<parameters>` element that [`operation`] digests.
pub fn operation_element<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    interval_ms: u64,
    which: Parameters<'_>,
) -> Element {
    const NOTES: [&str; 6] =
        ["id", "crm_feature_set", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip"];
    let counts = |name: &str| {
        let wanted = match which {
            Parameters::All => true,
            Parameters::Except(names) => !names.contains(&name),
            Parameters::Only(names) => names.contains(&name),
        };
        let meta = name.starts_with("CRM_meta_")
            && !(name == "CRM_meta_timeout" && interval_ms != 0 && which == Parameters::All);
        wanted && !meta && !NOTES.contains(&name)
    };
    let mut element = Element::new("parameters");
    for (name, value) in parameters {
        if counts(name) {
            element.set(name, value);
        }
    }
    element.sort_attributes();
    element
}

fn md5_of(parts: &[&str]) -> String {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// Returns bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{Parameters, operation, v1, v2};
    use crate::parse;

    #[test]
    fn provenance_and_white_space_do_not_change_the_wire_digest() {
        let a = parse("<cib epoch=\"1\"><status><x/></status></cib>").unwrap();
        let b = parse(
            "<cib epoch=\"1\" update-user=\"root\">\n  <status><x crm-debug-origin=\"f\"/></status></cib>",
        )
        .unwrap();
        assert_eq!(v2(&a), v2(&b));
        assert_ne!(v1(&a), v1(&b));
    }

    #[test]
    fn documents_have_the_digests_that_pacemaker_gives_them() {
        let document = parse(
 r#"<cib crm_feature_set="3.16.1" validate-with="none" epoch="1" num_updates="0" admin_epoch="0">
<configuration>
<!-- why -->
<nodes/>
</configuration>
<status/>
</cib>"#,
).unwrap();
        // cibadmin --md5-sum and --md5-sum-versioned of Pacemaker 2.1.5
        assert_eq!(v1(&document), "c357bf9a99982b86bfebe2982536297a");
        assert_eq!(v2(&document), "1d82fd1152d766e0bf84463f46d8df22");
    }

    #[test]
    fn an_operation_without_parameters_has_the_well_known_digest() {
        assert_eq!(operation([], 0, Parameters::All), "f2317cad3d54cec5d7d7aa7d0bf35cf8");
        let called = [("CRM_meta_timeout", "20000"), ("crm_feature_set", "3.16.1")];
        assert_eq!(operation(called, 0, Parameters::All), "f2317cad3d54cec5d7d7aa7d0bf35cf8");
        assert_eq!(operation(called, 10_000, Parameters::All), "4811cef7f7f94e3a35a70be7916cb2fd");
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let one = [("ip", "10.0.0.1"), ("cidr_netmask", "24")];
        let other = [("cidr_netmask", "24"), ("ip", "10.0.0.1"), ("CRM_meta_x", "1")];
        assert_eq!(operation(one, 0, Parameters::All), operation(other, 0, Parameters::All));
        assert_eq!(
            operation(one, 0, Parameters::Only(&["ip"])),
            operation(other, 0, Parameters::Except(&["cidr_netmask"]))
        );
    }
}

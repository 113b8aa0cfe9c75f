//! The manual page of pcs, made of the table of usages: `systole install-manual DIRECTORY` writes it.

use super::usage::{self, AREAS, GLOBAL};

/// Writes text so that roff takes none of it for a request.
fn plain(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

/// Returns the page `pcs(8)`.
pub fn page() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".\\\" made of the table of usages; do not edit\n.TH PCS 8 \"\" \"systole {version}\" \"Cluster administration\"\n"
    );
    page.push_str(".SH NAME\npcs \\- control and configure a cluster\n");
    page.push_str(".SH SYNOPSIS\n.B pcs\n[\\fIoptions\\fR] \\fIarea\\fR [\\fIcommand\\fR] [\\fIarguments\\fR]\n");
    page.push_str(".SH DESCRIPTION\nData goes to stdout, everything else to stderr. The exit status is 0, or 1 when something\nwent wrong; 2 is the answer 'no' of \\fBstatus query\\fR.\n");
    page.push_str(".SH OPTIONS\nOptions may stand anywhere; \\fB\\-\\-\\fR ends them.\n");
    for (name, about) in GLOBAL {
        page.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", plain(name), plain(about)));
    }
    for (area, about) in AREAS {
        let rows: Vec<_> = usage::commands().filter(|row| row.0 == area).collect();
        if rows.is_empty() {
            continue;
        }
        page.push_str(&format!(".SH {}\n{}\n", plain(&area.to_uppercase()), plain(about)));
        for (_, name, arguments, about) in rows {
            let words = [area, name].into_iter().filter(|word| !word.is_empty());
            let words = plain(&words.collect::<Vec<_>>().join(" "));
            let arguments = plain(arguments);
            page.push_str(&format!(".TP\n\\fB{words}\\fR {arguments}\n{}\n", plain(about)));
        }
    }
    page.push_str(".SH ENVIRONMENT\n.TP\n\\fBEDITOR\\fR\nStarted by \\fBcluster edit\\fR\n.TP\n\\fBNO_COLOR\\fR\nNo colours on a terminal either\n");
    page.push_str(".SH FILES\n.TP\n/etc/corosync/corosync.conf\nNodes, links and quorum\n.TP\n/var/lib/pcsd/known\\-hosts\nHosts this one has tokens for\n");
    page
}

#[cfg(test)]
mod tests {
    use super::{page, plain};

    #[test]
    fn text_is_text_to_roff() {
        assert_eq!(plain(".TH a-b \\n"), "\\&.TH a\\-b \\en");
        assert_eq!(plain("'x'"), "\\(aqx\\(aq");
    }

    #[test]
    fn every_command_is_in_the_manual() {
        let page = page();
        for (area, name, ..) in super::usage::commands() {
            let words = plain(format!("{area} {name}").trim());
            assert!(page.contains(&format!("\\fB{words}\\fR")), "{words}");
        }
        for line in page.lines().filter(|line| line.starts_with('.')) {
            let known = [".TH", ".SH", ".TP", ".B", ".\\\""];
            assert!(known.iter().any(|request| line.starts_with(request)), "{line}");
        }
    }
}

//! Rule S15: where a request goes is the author's word. What came from a run, an answer or a channel may fill a path
//! or a query; it may not choose the scheme, the host, the port or the credentials.

use std::sync::Arc;

use reqwest::Url;

use super::template;
use super::template_scan::is_plain;
use super::template_values::{Roots, View};
use crate::model::{Fault, Reason, Template};

/// Renders a URL and refuses it where a value other than `vars` and `route` decides more than its path, query or
/// fragment: the template is rendered twice, with those values and with placeholders in their stead, and both must
/// name the same place.
pub(super) fn url(roots: &Arc<dyn Roots>, template: &Template) -> Result<String, Fault> {
    let source = template.source.as_str();
    let real = template::text(roots, source, View::Real)?;
    if let Some(control) = real.chars().find(|c| c.is_control()) {
        return Err(refused(
            source,
            &format!("the rendered URL holds the control character {control:?}"),
        ));
    }
    let parsed = Url::parse(&real)
        .map_err(|e| refused(source, &format!("`{}` is no URL: {e}", template::cut(&real))))?;
    if is_plain(source) {
        return Ok(real);
    }
    let masked = template::text(roots, source, View::Masked)
        .ok()
        .and_then(|text| Url::parse(&text).ok());
    let Some(masked) = masked else {
        return Err(refused(
            source,
            "its scheme, host or port rests on a value that is neither in `vars` nor of the route",
        ));
    };
    for (what, of) in PARTS {
        let value = of(&parsed);
        if value != of(&masked) {
            let shown = template::cut(&value);
            let why = format!(
                "a value that is neither in `vars` nor of the route changes its {what}, here to `{shown}`"
            );
            return Err(refused(source, &why));
        }
    }
    if parsed.username() != masked.username() || parsed.password() != masked.password() {
        return Err(refused(
            source,
            "a value that is neither in `vars` nor of the route changes its credentials",
        ));
    }
    Ok(real)
}

type Part = fn(&Url) -> String;

const PARTS: [(&str, Part); 3] = [
    ("scheme", |url| url.scheme().to_owned()),
    ("host", |url| url.host_str().unwrap_or("").to_owned()),
    ("port", |url| {
        url.port_or_known_default()
            .map_or_else(String::new, |port| port.to_string())
    }),
];

fn refused(source: &str, why: &str) -> Fault {
    Fault::new(
        Reason::Input,
        format!("the URL `{}` is refused: {why}", template::cut(source)),
    )
}

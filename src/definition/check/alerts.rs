//! What the templates of destinations name.

use super::report::{self, Absent};
use super::texts::Compiled;
use crate::alert::Notice;
use crate::definition::available::{Available, Shape};
use crate::definition::build::Shared;
use crate::definition::node::Step;
use crate::diag::Problems;
use crate::model::Moment;

/// Takes the texts below `alerts:` out of those of `landfall.yaml`.
pub(crate) fn alert_texts(texts: Vec<Compiled>) -> (Vec<Compiled>, Vec<Compiled>) {
    let section = |text: &Compiled| matches!(text.path.first(), Some(Step::Key(key)) if key == "alerts");
    texts.into_iter().partition(section)
}

/// Puts down what they name in vain: there are `alert`, `key` and `vars`, and of the alert the fields of its form.
pub(crate) fn check_alert_texts(
    texts: &[Compiled],
    shared: &mut Shared,
    text: &str,
    problems: &mut Problems,
) {
    let trial = Notice::trial("", None, Moment(0), "");
    let fields = serde_json::to_value(trial).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten();
    let mut available = Available::default();
    available.set("alert", Shape::open_fields(fields.map(|(name, _)| name.as_str())));
    available.set("vars", shared.vars.clone());
    for compiled in texts {
        let in_body = compiled
            .path
            .iter()
            .any(|s| matches!(s, Step::Key(k) if ["json", "body", "headers", "subject", "text"].contains(&k.as_str())));
        // Where it is sent to is known before there is an alert.
        let mut here = if in_body {
            available.clone()
        } else {
            let mut plain = Available::default();
            plain.set("vars", shared.vars.clone());
            plain
        };
        if in_body {
            here.set("key", Shape::Open);
        }
        for name in &compiled.names {
            if let Err(gap) = here.find(name) {
                report::absent(compiled, name, &Absent::new(gap), &[], text, problems);
            }
            shared.note_variable(name);
        }
    }
}

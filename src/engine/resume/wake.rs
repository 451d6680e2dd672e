//! A run of an earlier process as it was when it fell out of that process's hands.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::kept::{Kept, KeptAnswer};
use crate::definition::{LegDef, RunScope};
use crate::diag::Sources;
use crate::engine::live::{Live, LiveAnswer};
use crate::model::{Fault, Reason, RunId, Timings, Token};

/// Its scope.
///
/// # Errors
/// What is on record is not what this landfall writes, or the input does not render from it.
pub(in crate::engine) fn scope(
    def: &Arc<LegDef>,
    vars: &Map<String, Value>,
    run: RunId,
    token: &Token,
    kept: &Kept<'_>,
) -> Result<RunScope, Fault> {
    let scope = RunScope::new(def, vars, run, kept.tick, token, kept.plan().channels)?;
    let Some(answer) = kept.answer() else {
        return match kept.answer {
            None => Ok(scope),
            Some(_) => Err(Fault::new(
                Reason::Store,
                "the answer on record is none that this landfall knows",
            )),
        };
    };
    let mut scope = match &answer.response {
        Some(response) => scope.with_response(response),
        None => scope,
    };
    for (name, value) in answer.captured {
        scope = scope.with(&name, value);
    }
    Ok(scope)
}

/// All that is held of it.
pub(in crate::engine) fn live(
    def: &Arc<LegDef>,
    sources: Arc<Sources>,
    scope: RunScope,
    token: Token,
    kept: &Kept<'_>,
) -> Live {
    let answer = kept.answer();
    let shown = match &answer {
        Some(KeptAnswer {
            response: Some(response),
            ..
        }) => crate::engine::answer::shown_of(response),
        Some(answer) => serde_json::json!({ "error": answer.reason }),
        None => serde_json::json!({ "error": "landfall ended before the answer was on record" }),
    };
    let (timings, attributes) = answer.map_or_else(
        || (Timings::default(), Default::default()),
        |answer| (answer.timings, answer.attributes),
    );
    Live {
        token,
        def: def.clone(),
        scope,
        prepared: None,
        // Rendered where it is needed, since many runs may be taken up at once.
        request: Arc::new(Value::Null),
        answer: Some(Arc::new(LiveAnswer {
            status: None,
            timings,
            attributes,
            shown,
        })),
        observations: HashMap::new(),
        sent: Some(kept.sent),
        early: Vec::new(),
        sources,
        probe: None,
    }
}

//! Who is told of runs and counts besides those who ask.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gauges::Sources;
use super::hub::Hub;
use crate::clock::Clock;
use crate::definition::Workspace;
use crate::model::Fault;
use crate::report::metrics::Metrics;

/// Counts at zero for every probe and route.
pub(super) fn metrics(workspace: &Workspace) -> Metrics {
    let metrics = Metrics::new(&workspace.location);
    let legs = workspace.probes.iter().flat_map(|probe| &probe.legs);
    metrics.declare(legs.map(|def| (def.leg.probe.to_string(), def.leg.route.to_string())));
    metrics
}

/// Starts telling the collector that the workspace names.
///
/// # Errors
/// What was left out of this build, a header that is none, or a certificate that cannot be read.
#[cfg(feature = "otel")]
pub(super) fn start(
    hub: &Hub,
    (metrics, now): (&Metrics, &Sources),
    clock: Arc<dyn Clock>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<(), Fault> {
    let force = now.force.now();
    let workspace = &force.workspace;
    let Some(settings) = &workspace.telemetry else {
        return Ok(());
    };
    let (traces, exporter) = super::otlp::exporter(settings, &workspace.root, &workspace.location, clock)?;
    if settings.traces {
        hub.subscribe(Arc::new(traces));
    }
    let (metrics, now, stop) = (metrics.clone(), now.clone(), stop.clone());
    tasks.spawn(exporter.run(metrics, now, stop));
    Ok(())
}

/// As above, in a build that cannot.
#[cfg(not(feature = "otel"))]
pub(super) fn start(
    _hub: &Hub,
    (_metrics, now): (&Metrics, &Sources),
    _clock: Arc<dyn Clock>,
    _stop: &CancellationToken,
    _tasks: &TaskTracker,
) -> Result<(), Fault> {
    if now.force.now().workspace.telemetry.is_none() {
        return Ok(());
    }
    Err(Fault::new(
        crate::model::Reason::Input,
        "`telemetry.otlp` needs a landfall that was built with `--features otel`, and this one was not",
    ))
}

-- A way to the runs of one route in the order of time, and among them to those that ended so: the run before another, the
-- last good one, the list of a route. Without it the runs of all routes were read to find one.
CREATE INDEX records_by_route ON records (probe, route, tick, run, input, class);

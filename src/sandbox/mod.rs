//! A small message gateway with scripted faults and a ground-truth ledger. It knows nothing of the engine.

"""HTTP API events in, answers out."""

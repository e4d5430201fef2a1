"""What each kind of identity provider demands, as data: one module a strategy."""

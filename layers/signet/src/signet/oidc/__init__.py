"""OpenID Connect messages, both directions, as pure functions."""

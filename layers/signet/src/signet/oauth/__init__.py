"""OAuth messages, both directions, as pure functions [RFC 6749 and its companions]."""

"""Bytes and signatures: strict JSON, JWK, JWS [RFC 7515, 7517, 7518, 7638]."""

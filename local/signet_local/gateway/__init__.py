"""API Gateway's HTTP API on loopback: payload format 2.0, the template's routes."""

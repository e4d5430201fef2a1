"""The local stack and the demo: the deployed handlers on one machine."""

"""The one way out to the network (docs/adr/0005)."""

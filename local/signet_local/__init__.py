"""Signet's local stack: the deployed handlers behind a local gateway, with AWS emulated."""

"""Rotations under steady logins, with real parts, for long: `python -m tests.soak`."""

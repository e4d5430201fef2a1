"""What Signet does: logins, grants, keyrings, registration; reaches the world through ports."""

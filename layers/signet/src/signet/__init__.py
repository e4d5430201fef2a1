"""Signet: enterprise sign-on for one AWS account, without any client secret."""

"""The management API (contract, section 4); the one part of Signet that has a router."""

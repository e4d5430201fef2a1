"""An exhaustive model of the key rotation: every interleaving of what rotates keys, and faults.

The transitions and the reaper's judgement are Signet's own functions. `world` is a state, `moves`
what can happen next, `invariants` what has to hold in every state, `search` visits them all.
"""

"""The proof that each security rule's test can fail: take the rule out and see.

`python -m tests.mutants` runs it; the rules are in the `rules_*` modules beside this one.
"""

"""Hypothesis for this folder: no deadlines, because machines differ, and seconds in all."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "property",
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("property")

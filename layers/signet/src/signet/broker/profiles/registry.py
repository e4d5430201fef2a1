"""The strategies that there are: every module of this package that has a PROFILE.

Adding a provider is adding its module; nothing else names it.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from signet.broker import profiles
from signet.broker.profiles.profile import Profile
from signet.errors import Rejected


@cache
def strategies() -> Mapping[str, Profile]:
    """Return every profile by its strategy."""
    names = sorted(module.name for module in iter_modules(profiles.__path__))
    modules = (import_module(f"{profiles.__name__}.{name}") for name in names)
    found = [module.PROFILE for module in modules if hasattr(module, "PROFILE")]
    return {profile.strategy: profile for profile in found}


def profile_of(strategy: object) -> Profile:
    """Return the profile of a strategy.

    Raises:
        Rejected: `invalid_connection`.
    """
    profile = strategies().get(strategy) if isinstance(strategy, str) else None
    if profile is None:
        names = ", ".join(strategies())
        raise Rejected("invalid_connection", f"strategy has to be one of {names}.")
    return profile

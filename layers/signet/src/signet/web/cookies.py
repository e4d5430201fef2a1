"""The cookies that bind a login to one browser."""

from collections.abc import Mapping

from signet.broker.front_channel import BrowserCookie

HOST_PREFIX = "__Host-"


def set_cookie(cookie: BrowserCookie, *, secure: bool) -> str:
    """Write a Set-Cookie value; an empty value removes the cookie.

    `__Host-` keeps other hosts and plain http from planting it. SameSite=None only where the
    provider's answer is a cross-site POST (form_post), which Lax cookies do not come with. Over
    plain http (the local stack) browsers refuse Secure and the prefix, so both are left out.
    """
    same_site = "None" if cookie.cross_site and secure else "Lax"
    attributes = [
        f"{HOST_PREFIX if secure else ''}{cookie.name}={cookie.value}",
        "Path=/",
        f"Max-Age={cookie.max_age}",
        "HttpOnly",
        f"SameSite={same_site}",
    ]
    if secure:
        attributes.append("Secure")
    return "; ".join(attributes)


def own_cookies(cookies: Mapping[str, str], *, secure: bool) -> dict[str, str]:
    """Return our cookies by their bare names; over https only those with the prefix count."""
    if not secure:
        return dict(cookies)
    return {
        name.removeprefix(HOST_PREFIX): value
        for name, value in cookies.items()
        if name.startswith(HOST_PREFIX)
    }

"""Signet's errors: one tree, by whose fault it is.

Every error has a stable `code` (an RFC's error code wherever one exists), a `public` text that
may be shown to whoever asked, and a `private` text for the log. Neither text may carry a token, a
code, an assertion, a cookie or a state. `redirectable` says that an error met at /authorize or at
a callback may go back to the app's validated redirect URI [RFC 6749 4.1.2.1].
"""

from typing import ClassVar


class SignetError(Exception):
    """The root of every error that Signet raises on purpose."""

    status: ClassVar[int] = 500

    def __init__(
        self, code: str, public: str, *, private: str = "", redirectable: bool = False
    ) -> None:
        super().__init__(f"{code}: {private or public}")
        self.code = code
        self.public = public
        self.private = private
        self.redirectable = redirectable


class Rejected(SignetError):  # noqa: N818  (the name says whose fault it is)
    """The request is malformed, or asks for what is not allowed: the caller has to change it."""

    status = 400


class Denied(SignetError):  # noqa: N818
    """The caller did not prove who it is, or may not do this."""

    status = 401


class Unavailable(SignetError):  # noqa: N818
    """Something that Signet depends on did not answer: the same request may succeed later."""

    status = 503


class Misconfigured(SignetError):  # noqa: N818
    """The deployment or a connection is set up wrongly: an administrator has to act."""

    status = 500

"""Go on to the provider's own logout, and come back from it [RP-Initiated Logout 1.0, as its RP].

Only where an administrator wants it (`upstream_logout`): a person who leaves one application does
not everywhere want to leave everything that hangs on the provider.

No token of the provider is kept, so none is sent as a hint: the provider knows its own browser.
Where to go afterwards is kept by the browser alone, in a cookie of this one logout. It is no
secret, and is held against the client's registration again when it comes back.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.connection import Connection
from signet.broker.front_channel import BrowserCookie, Redirection
from signet.broker.pinning import is_agreed
from signet.broker.ports import Connections, Entropy
from signet.broker.provider import Provider
from signet.broker.record_key import digest
from signet.broker.session import Session
from signet.errors import Rejected, SignetError
from signet.jose import base64url, strict_json
from signet.oauth.authorization_request import authorization_url
from signet.oauth.authorization_response import read_state

_SECONDS = 600
_MAX_VALUE = 3_500  # browsers keep cookies of 4 KB


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """Where a client asked to return to: as it was registered once, and is checked again."""

    client_id: str
    uri: str
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamLogout:
    """The provider's half of a logout; `issuer` is Signet's own."""

    issuer: str
    connections: Connections
    provider: Provider
    entropy: Entropy

    def begin(self, session: Session, way_back: WayBack | None) -> Redirection | None:
        """Return the redirection to the provider's logout; None where it has or wants none.

        The session here is over by now, whatever becomes of the provider's.
        """
        connection = self.connections.get(session.connection_id)
        endpoint = self._endpoint(connection) if connection is not None else None
        if connection is None or endpoint is None:
            return None
        state = self.entropy.token()
        url = authorization_url(
            endpoint,
            {
                "client_id": connection.client_id,
                "post_logout_redirect_uri": connection.post_logout_redirect_uri(self.issuer),
                "state": state,
            },
        )
        cookie = _cookie(state, way_back)
        return Redirection(url=url, cookies=(cookie,) if cookie is not None else ())

    def finish(
        self, parameters: Mapping[str, str], cookies: Mapping[str, str]
    ) -> tuple[WayBack | None, BrowserCookie]:
        """Read where this browser was going, once; the cookie that comes back removes the other."""
        state = read_state(parameters)
        cookie = BrowserCookie(name=_cookie_name(state), value="", max_age=0)
        value = cookies.get(cookie.name)
        return (_read(value) if value is not None else None), cookie

    def _endpoint(self, connection: Connection) -> str | None:
        """Return the provider's logout, at an origin that an administrator agreed to (rule 15)."""
        if not (connection.upstream_logout and connection.enabled):
            return None
        try:
            metadata = self.provider.metadata(connection)
        except SignetError:
            return None
        endpoint = metadata.end_session_endpoint
        if endpoint is None or not is_agreed(endpoint, connection.endpoints, metadata):
            return None
        return endpoint


def _cookie_name(state: str) -> str:
    return f"signet-logout-{digest(state.encode('utf-8'))[:16]}"


def _cookie(state: str, way_back: WayBack | None) -> BrowserCookie | None:
    if way_back is None:
        return None
    members = {"client_id": way_back.client_id, "uri": way_back.uri, "state": way_back.state}
    value = base64url.encode(json.dumps(members, separators=(",", ":")).encode("ascii"))
    if len(value) > _MAX_VALUE:
        return None
    return BrowserCookie(name=_cookie_name(state), value=value, max_age=_SECONDS)


def _read(value: str) -> WayBack | None:
    try:
        members = strict_json.loads_object(base64url.decode(value))
    except Rejected:
        return None
    client_id, uri, state = (members.get(name) for name in ("client_id", "uri", "state"))
    if not (isinstance(client_id, str) and isinstance(uri, str)):
        return None
    return WayBack(client_id=client_id, uri=uri, state=state if isinstance(state, str) else None)

"""What a token request uses up, beside the signature of its access token: a code or a token."""

from dataclasses import dataclass
from typing import Protocol

from signet.broker.grant import RefreshFamily
from signet.broker.ports import Grants
from signet.broker.refresh_token import RefreshToken, hashed


class Consumption(Protocol):
    """One use; `refresh_token` is what goes out with it, if it is won."""

    @property
    def refresh_token(self) -> RefreshToken | None:
        """Return the refresh token to give out."""
        ...

    def use_up(self) -> bool:
        """Use it up by one conditional write; at most one caller ever gets True."""
        ...

    def give_back(self) -> None:
        """Undo one's own use, after no token was made."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UseOfCode:
    """The use of a code [RFC 6749 4.1.2]; it begins a family where there is a refresh token."""

    grants: Grants
    grant_id: str
    redemption: str
    now: int
    keep_until: int
    dpop_jkt: str | None
    family: RefreshFamily | None
    refresh_token: RefreshToken | None

    def use_up(self) -> bool:
        """Mark the grant as redeemed."""
        return self.grants.redeem(
            self.grant_id,
            redemption=self.redemption,
            now=self.now,
            keep_until=self.keep_until,
            dpop_jkt=self.dpop_jkt,
            refresh=self.family,
        )

    def give_back(self) -> None:
        """Let the client come again with the same code (OP-074)."""
        self.grants.release(self.grant_id, redemption=self.redemption)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseOfRefreshToken:
    """The rotation of a refresh token [RFC 9700 4.14.2]."""

    grants: Grants
    used: RefreshToken
    refresh_token: RefreshToken
    now: int
    idle_until: int

    def use_up(self) -> bool:
        """Put the successor in the token's place."""
        return self.grants.rotate(
            self.used.grant_id,
            used=hashed(self.used.secret),
            successor=hashed(self.refresh_token.secret),
            now=self.now,
            idle_until=self.idle_until,
        )

    def give_back(self) -> None:
        """Let the client come again with the same token: its successor went to nobody."""
        self.grants.restore(
            self.used.grant_id,
            used=hashed(self.used.secret),
            successor=hashed(self.refresh_token.secret),
        )

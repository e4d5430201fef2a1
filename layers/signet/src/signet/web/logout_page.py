"""What a person sees of a sign-out."""

from signet.broker.front_channel import ConfirmLogout, SignedOut
from signet.web.cookies import set_cookie
from signet.web.pages import confirm_logout_page_body, signed_out_page_body
from signet.web.response import Response, own_page


def logout_page(outcome: ConfirmLogout | SignedOut, *, secure: bool) -> Response:
    """Ask, or say that it is done; the form's answer leads to the application or its provider."""
    if isinstance(outcome, SignedOut):
        cookies = tuple(set_cookie(cookie, secure=secure) for cookie in outcome.cookies)
        return own_page(signed_out_page_body(), form_action="'none'", cookies=cookies)
    targets = "'self' https:" if secure else "'self' https: http:"
    return own_page(confirm_logout_page_body(outcome.parameters), form_action=targets)

"""Lambda function `authorize`: start a login [OIDC Core 3.1.2]."""

from signet import wiring
from signet.broker.front_channel import AskForEmail
from signet.web.cookies import own_cookies
from signet.web.endpoint import endpoint
from signet.web.errors import error_page
from signet.web.request import Request
from signet.web.response import Response, email_page, redirect


@endpoint("authorize", methods=("GET", "POST"), on_error=error_page)
def handler(request: Request) -> Response:
    """Send the browser to the identity provider, or back; or ask for the work email first.

    Back with a code, too, when this browser signed in before.
    """
    secure = wiring.settings().secure_cookies
    outcome = wiring.start_login()(
        request.parameters(), own_cookies(request.cookies, secure=secure)
    )
    if isinstance(outcome, AskForEmail):
        return email_page(outcome, secure=secure)
    return redirect(outcome, secure=secure)

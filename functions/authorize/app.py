"""Lambda function `authorize`: start a login [OIDC Core 3.1.2]."""

from signet import wiring
from signet.web.endpoint import endpoint
from signet.web.errors import error_page
from signet.web.request import Request
from signet.web.response import Response, redirect


@endpoint("authorize", methods=("GET", "POST"), on_error=error_page)
def handler(request: Request) -> Response:
    """Send the browser to the identity provider, or back to the application with an error."""
    redirection = wiring.start_login()(request.parameters())
    return redirect(redirection, secure=wiring.settings().secure_cookies)

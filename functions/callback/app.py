"""Lambda function `callback`: a connection's redirect URI [OIDC Core 3.1.2.5]."""

from signet import wiring
from signet.web.cookies import own_cookies
from signet.web.endpoint import endpoint
from signet.web.errors import error_page
from signet.web.request import Request
from signet.web.response import Response, redirect


@endpoint("callback", methods=("GET", "POST"), on_error=error_page)
def handler(request: Request) -> Response:
    """Take the provider's answer, by query or form_post; bring the application its code."""
    secure = wiring.settings().secure_cookies
    redirection = wiring.finish_login()(
        request.path_parameters.get("connection_id", ""),
        request.parameters(),
        own_cookies(request.cookies, secure=secure),
    )
    return redirect(redirection, secure=secure)

"""Lambda function `logout`: sign a person out [OpenID Connect RP-Initiated Logout 1.0]."""

from signet import wiring
from signet.broker.front_channel import Redirection
from signet.web.cookies import own_cookies
from signet.web.endpoint import endpoint
from signet.web.errors import logout_error_page
from signet.web.logout_page import logout_page
from signet.web.request import Request
from signet.web.response import Response, redirect


@endpoint("logout", methods=("GET", "POST"), on_error=logout_error_page)
def handler(request: Request) -> Response:
    """End this browser's session and bring it back to the application; or ask the person first.

    The provider's own logout, where it is part of it, leads back to /logout/callback.
    """
    secure = wiring.settings().secure_cookies
    parameters, cookies = request.parameters(), own_cookies(request.cookies, secure=secure)
    if request.path.endswith("/logout/callback"):
        outcome = wiring.logout().come_back(parameters, cookies)
    else:
        outcome = wiring.logout()(parameters, cookies, posted=request.method == "POST")
    if isinstance(outcome, Redirection):
        return redirect(outcome, secure=secure)
    return logout_page(outcome, secure=secure)

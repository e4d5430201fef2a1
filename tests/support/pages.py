"""What every page that Signet shows instead of a redirect has to be."""

from tests.support.travelled import Response


def shows_nothing_but_its_own_text(response: Response, *sent: str) -> bool:
    """Tell whether an answer is an error page that leads nowhere and repeats nothing.

    Args:
        response: the answer.
        sent: what the request carried, in whatever form.
    """
    headers = response.headers
    policy = headers.get("content-security-policy", "")
    return (
        response.status_code == 400
        and "location" not in headers
        and "set-cookie" not in headers
        and headers.get("cache-control") == "no-store"
        and headers.get("referrer-policy") == "no-referrer"
        and headers.get("x-content-type-options") == "nosniff"
        and headers.get("content-type", "").startswith("text/html")
        and "default-src 'none'" in policy
        and "frame-ancestors 'none'" in policy
        and "Sign-in did not complete" in response.text
        and not any(value in response.text for value in sent if len(value) > 3)
    )

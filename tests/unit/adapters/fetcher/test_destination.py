"""Which addresses may be called, by their text alone (RP-074 to RP-082, RP-088, RP-089)."""

import pytest

from signet.adapters.fetcher.destination import (
    MAX_URL,
    Destination,
    DestinationPolicy,
    parse_destination,
)
from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.oauth.http_message import DestinationRefused

DEPLOYED = DestinationPolicy(own_hosts=frozenset({"login.example"}))
LOCAL = DestinationPolicy(allow_loopback=True)

ACCEPTED = {
    "a host": ("https://idp.example", "idp.example", "/"),
    "a path": ("https://idp.example/a/b", "idp.example", "/a/b"),
    "a query": ("https://idp.example?x=1", "idp.example", "/?x=1"),
    "its own port named": ("https://idp.example:443/a", "idp.example", "/a"),
    "no port after a colon": ("https://idp.example:/a", "idp.example", "/a"),
    "upper case in the host": ("https://IDP.Example/A", "idp.example", "/A"),
    "an A-label": ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example", "/"),
    "digits in a label": ("https://1.2.3.4.idp.example/", "1.2.3.4.idp.example", "/"),
    "escapes": ("https://idp.example/%7Ca?b=%0D", "idp.example", "/%7Ca?b=%0D"),
    "a URL in the query": ("https://idp.example/?u=http://a@b", "idp.example", "/?u=http://a@b"),
    "two slashes in the path": ("https://idp.example//a", "idp.example", "//a"),
    "a name that ends like an internal one": (
        "https://notinternal.example/", "notinternal.example", "/",
    ),
    "a name that ends like AWS's": ("https://myamazonaws.com/", "myamazonaws.com", "/"),
    "a longer name than our own": ("https://idp.login.example/", "idp.login.example", "/"),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_public_https_name_is_accepted(case: str) -> None:
    url, host, target = ACCEPTED[case]
    expected = Destination(scheme="https", host=host, port=443, target=target)
    assert parse_destination(url, DEPLOYED) == expected
    assert expected.authority == host


REFUSED = (
    # RP-074: the Lambda runtime's own interfaces
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "https://127.0.0.1:9001/2018-06-01/runtime/init/error",
    "http://sandbox.localdomain:9001/",
    "https://sandbox.localdomain/",
    # RP-075: metadata and credentials
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/",
    "https://169.254.170.2/v2/credentials",
    "https://169.254.170.23/v1/credentials",
    "https://[fd00:ec2::254]/",
    "https://[fe80::a9fe:a9fe%25eth0]/",
    "https://instance-data/",
    "https://instance-data.ec2.internal/",
    "https://metadata.google.internal/",
    "https://168.63.129.16/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    # RP-076: IPv6 in all its forms
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:100.64.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[2606:4700:4700::1111]/",
    "https://[v1.idp.example]/",
    # RP-077: IPv4 in all its forms, public ones too
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://127.0.0.1./",
    "https://127.0.0.1.:443/",
    "https://1.1.1.1/",
    "https://1.1.1.0x1/",
    "https://idp.example.1/",
    # RP-078: parsers that disagree
    "https://①②⑦.⓪.⓪.①/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://idp\u3002example/",
    "https://idp.example\u3002evil.example/",
    "https://münchen.example/",
    "https://localhost/",
    "https://localhost./",
    "https://idp.example./",
    "https://idp.example..evil.example/",
    "https://.idp.example/",
    "https://idp.example@127.0.0.1/",
    "https://user:pass@idp.example/",
    "https://@idp.example/",
    "https://a@b@idp.example/",
    "https://user%40idp.example@evil.example/",
    "https://127.0.0.1#@idp.example/",
    "https://idp.example/#fragment",
    "https://idp.example/path#",
    "https://idp.example\\@127.0.0.1/",
    "https:\\\\idp.example/",
    "https:/\\idp.example/",
    "https://[::1]%2eidp.example/",
    "https://idp%2eexample/",
    "https://idp.example%00.evil.example/",
    "https://idp.exam\tple/",
    "https://idp.exam\nple/",
    "https://idp.exam\rple/",
    "\thttps://idp.example/",
    " https://idp.example/",
    "https://idp.example/ ",
    "https://idp.example/\n",
    "https://idp.exam ple/",
    "https://idp.example/a b",
    "https:///127.0.0.1",
    "https:idp.example/",
    "https:/idp.example/",
    "//127.0.0.1/",
    "//idp.example/",
    "idp.example",
    "/path",
    "",
    "https://",
    "https://:443/",
    "https://?x",
    "https://idp_x.example/",
    "https://-idp.example/",
    "https://idp-.example/",
    "https://idp/",
    "https://idp.e/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 125 + "example/",
    "https://[idp.example/",
    "https://idp.example]/",
    # RP-082: other schemes and ports
    "http://idp.example/",
    "HTTPS://idp.example/",
    "HTTP://idp.example/",
    "https+unix://idp.example/",
    "file:///proc/self/environ",
    "ftp://idp.example/",
    "data:application/json,{}",
    "gopher://idp.example/",
    "jar:https://idp.example/!/",
    "unix:/var/run/docker.sock",
    "dict://idp.example/",
    "javascript:alert(1)",
    "https://idp.example:80/",
    "https://idp.example:8443/",
    "https://idp.example:0/",
    "https://idp.example:-443/",
    "https://idp.example:+443/",
    "https://idp.example:443a/",
    "https://idp.example:65979/",
    "https://idp.example:443:443/",
    "https://idp.example:\uff14\uff14\uff13/",
    # RP-088: ourselves and the platform
    "https://login.example/",
    "https://LOGIN.example:443/token",
    "https://abc123.execute-api.eu-central-1.amazonaws.com/",
    "https://abc123.lambda-url.eu-central-1.on.aws/",
    "https://kms.eu-central-1.amazonaws.com/",
    "https://kms.eu-central-1.api.aws/",
    "https://bucket.s3.amazonaws.com/",
    "https://amazonaws.com/",
    "https://kms.cn-north-1.amazonaws.com.cn/",
    "https://vpce-1.kms.eu-central-1.vpce.amazonaws.com/",
    "https://kms.eusc-de-east-1.amazonaws.eu/",
    "https://d111111abcdef8.cloudfront.net/",
    "https://d-1234567890.awsapps.com/",
    # names that lead inside
    "https://db.internal/",
    "https://printer.local/",
    "https://wiki.corp/",
    "https://nas.lan/",
    "https://nas.home/",
    "https://router.home.arpa/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://x.localhost/",
    "https://hidden.onion/",
    # RP-089: splitting a request
    "https://idp.example/\r\nHost: evil",
    "https://idp.example/%0d%0a\r\n",
    "https://idp.example/?x=\nGET",
    "https://idp.example/\x00",
    "https://idp.example/\x7f",
    "https://idp.example/é",
    "https://idp.example/%zz",
    "https://idp.example/%2",
    "https://idp.example/{a}",
    "https://idp.example/a|b",
    "https://idp.example/\"'",
    "https://idp.example/" + "a" * MAX_URL,
)


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_every_other_spelling_is_refused_with_one_text(url: str) -> None:
    with pytest.raises(DestinationRefused) as refused:
        parse_destination(url, DEPLOYED)
    assert refused.value.code == "destination_refused"
    assert refused.value.public == "This address cannot be used."


LOOPBACK = {
    "http://127.0.0.1:8080/a": ("http", "127.0.0.1", 8080, "127.0.0.1:8080"),
    "http://localhost/a": ("http", "localhost", 80, "localhost"),
    "https://localhost/a": ("https", "localhost", 443, "localhost"),
    "http://[::1]:9000/a": ("http", "::1", 9000, "[::1]:9000"),
    "http://127.200.0.3:1/a": ("http", "127.200.0.3", 1, "127.200.0.3:1"),
}


@pytest.mark.parametrize("url", LOOPBACK)
def test_loopback_is_for_the_local_stack_alone(url: str) -> None:
    scheme, host, port, authority = LOOPBACK[url]
    destination = parse_destination(url, LOCAL)
    assert destination == Destination(
        scheme=scheme, host=host, port=port, target="/a", loopback=True
    )
    assert destination.authority == authority
    with pytest.raises(DestinationRefused):
        parse_destination(url, DEPLOYED)


@pytest.mark.parametrize("url", [url for url in REFUSED if "://127.0.0.1" not in url], ids=ascii)
def test_the_local_stack_opens_no_other_way(url: str) -> None:
    policy = DestinationPolicy(own_hosts=DEPLOYED.own_hosts, allow_loopback=True)
    try:
        destination = parse_destination(url, policy)
    except DestinationRefused:
        return
    assert destination.host in {"localhost", "::1"}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.idp.example/",
        "http://localhost.idp.example/",
        "http://127.0.0.256/",
        "http://127.1/",
        "http://10.0.0.1:8080/",
        "http://user@127.0.0.1/",
        "file://127.0.0.1/etc/passwd",
    ],
)
def test_what_only_looks_like_loopback_is_not_for_the_local_stack_either(url: str) -> None:
    with pytest.raises(DestinationRefused):
        parse_destination(url, LOCAL)


def test_the_fetcher_of_a_deployment_refuses_its_own_host() -> None:
    fetcher = GuardedFetcher.for_issuer("https://Login.Example", allow_loopback=False)
    fetcher.check("https://idp.example/")
    for url in ("https://login.example/", "https://x.amazonaws.com/", "http://127.0.0.1/"):
        with pytest.raises(DestinationRefused):
            fetcher.check(url)


def test_aws_is_reached_only_by_the_fetcher_for_an_address_that_aws_gave() -> None:
    aws = GuardedFetcher.for_aws()
    aws.check("https://cloudformation-response.s3.amazonaws.com/a?Signature=b")
    for url in ("https://169.254.169.254/", "http://x.s3.amazonaws.com/", "https://a.internal/"):
        with pytest.raises(DestinationRefused):
            aws.check(url)

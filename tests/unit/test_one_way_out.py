"""MG-002: nothing that is deployed reaches the network but the fetcher (and AWS through boto3)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/signet/src/signet"
FETCHER = PACKAGE / "adapters/fetcher"
FORBIDDEN = frozenset({
    "_socket", "_ssl", "aiohttp", "asyncio", "botocore.httpsession", "botocore.vendored",
    "ftplib", "http.client", "http.server", "httpx", "imaplib", "multiprocessing", "pip",
    "poplib", "requests", "selectors", "smtplib", "socket", "socketserver", "ssl", "subprocess",
    "telnetlib", "urllib.request", "urllib.robotparser", "urllib3", "webbrowser", "xmlrpc",
})  # fmt: skip
# It loads the modules of its own package, by the names that its folder has.
BY_RIGHT = {"layers/signet/src/signet/broker/profiles/registry.py": {"import_module"}}
DYNAMIC = frozenset({"__import__", "eval", "exec", "import_module"})
DEPLOYED = sorted(
    path
    for folder in (PACKAGE, ROOT / "functions")
    for path in folder.rglob("*.py")
    if FETCHER not in path.parents
)


def ways_out(source: str) -> set[str]:
    """Return what a module imports that leads to the network, or hides what it imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            found |= {name} & DYNAMIC
    return {name for name in found if name in DYNAMIC or _leads_out(name)}


def _leads_out(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in FORBIDDEN)


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_fetcher_reaches_the_network(path: Path) -> None:
    assert ways_out(path.read_text()) == BY_RIGHT.get(path.relative_to(ROOT).as_posix(), set())


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "import ssl as s",
        "import http.client",
        "from http import client",
        "from http.client import HTTPSConnection",
        "from urllib import parse, request",
        "from urllib.request import urlopen",
        "import urllib3.util",
        "import httpx",
        "def f():\n    import requests",
        "from asyncio import open_connection",
        "import importlib\nimportlib.import_module('so' + 'cket')",
        "__import__('socket')",
    ],
)
def test_every_way_of_importing_one_is_seen(source: str) -> None:
    assert ways_out(source) != set()


def test_reading_addresses_is_no_way_out() -> None:
    assert ways_out("from urllib.parse import urlsplit\nfrom http import HTTPStatus") == set()


def test_the_fetcher_itself_would_be_seen_and_every_function_is_looked_at() -> None:
    assert any(ways_out(path.read_text()) for path in FETCHER.glob("*.py"))
    names = {path.relative_to(ROOT).as_posix() for path in DEPLOYED}
    assert {"functions/token/app.py", "functions/callback/app.py"} <= names
    assert "layers/signet/src/signet/adapters/kms.py" in names

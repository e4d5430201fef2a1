"""A headless Chromium that needs no system package: npm @sparticuz/chromium, driven by playwright.

The package carries the browser with the libraries and fonts that a plain machine may lack. They are
unpacked once, beside the package, and go when the packages are installed anew.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from signet_local.real_parts.node import node
from signet_local.template import PROJECT

_UNPACKED = PROJECT / "node_modules" / ".chromium"
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{folder}/cache</cachedir>
</fontconfig>
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("npm @sparticuz/chromium carries a browser for Linux on x86-64 alone")
    folder = _unpacked()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(
            executable_path=folder / "chromium",
            args=list(_ARGUMENTS),
            env={
                "HOME": home,
                "LD_LIBRARY_PATH": str(folder / "al2023" / "lib"),
                "FONTCONFIG_PATH": str(folder / "fonts"),
            },
        )
        try:
            yield browser
        finally:
            browser.close()


def _unpacked() -> Path:
    """Return the folder with the browser; whole, because it gets its name only when it is."""
    if _UNPACKED.is_dir():
        return _UNPACKED
    draft = Path(tempfile.mkdtemp(prefix=".chromium-", dir=_UNPACKED.parent))
    subprocess.run(  # noqa: S603  (the project's own program)
        [node(), Path(__file__).with_name("chromium.mjs")],
        env={**os.environ, "TMPDIR": str(draft)},  # noqa: TID251  (what node needs to run)
        check=True,
    )
    fonts = _FONTS.format(folder=_UNPACKED / "fonts")
    (draft / "fonts" / "fonts.conf").write_text(fonts, encoding="utf-8")
    try:
        draft.rename(_UNPACKED)
    except OSError:
        shutil.rmtree(draft)  # another run was faster
    return _UNPACKED

"""Tell at the end how many states were visited."""

import pytest

STATES = "states"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, states in report.user_properties:
            if name == STATES:
                terminalreporter.write_line(f"{report.nodeid}: {states} states")

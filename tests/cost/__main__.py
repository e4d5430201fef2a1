"""Count what a login costs, and print it as docs/operations.md says it: `make cost`."""

from tests.cost.bill import report

if __name__ == "__main__":
    print(report())  # noqa: T201  (a command)

"""`make serve`: the local stack alone, until SIGTERM or Ctrl-C."""

import os
import sys

from signet.errors import SignetError
from signet_local.stack import LocalStack, end
from signet_local.stack_settings import StackRefused, StackSettings


def main() -> int:
    """Run the stack; 2 is the exit status when it cannot start."""
    try:
        stack = LocalStack(StackSettings.read(os.environ))
        stack.run(ready=lambda: print(f"signet ready {stack.issuer}", flush=True))
    except (StackRefused, RuntimeError) as problem:
        print(problem, file=sys.stderr)
        return 2
    except SignetError as problem:
        print(problem.private or problem.public, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    end(main())

"""`python -m tests.soak.stack`: what `make serve` runs, with faults if SOAK_FAULTS asks for any."""

from signet_local.serve import main
from signet_local.stack import end
from tests.soak.faults import install_as_told

if __name__ == "__main__":
    install_as_told()
    end(main())

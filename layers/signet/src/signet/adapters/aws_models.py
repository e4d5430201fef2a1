"""The descriptions of AWS's APIs that botocore reads; imported with botocore, at first use."""

from botocore.loaders import Loader


class NamedModels(Loader):
    """Knows the services that are asked for.

    Botocore's own looks through the folders of all 400 services, twice, before it opens the one
    that was named: a tenth of a cold start.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the names; a name without a description fails when that is opened."""
        del type_name
        return sorted(self.names)

"""Lambda function `manage`: the management API (contract, section 4)."""

from signet import wiring
from signet.web.management.handler import management_handler

handler = management_handler(wiring.management)

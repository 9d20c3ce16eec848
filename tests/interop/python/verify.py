"""What the Python packages say of deliveries.

One JSON object a line in: {"package", "secret", "headers", "body"}; one line out: "accepted", or "refused: " and why.
"""

import json
import sys

import standardwebhooks
import svix

PACKAGES = {"standardwebhooks": standardwebhooks.Webhook, "svix": svix.Webhook}


def verdict(package: str, secret: str, headers: dict[str, str], body: str) -> str:
    try:
        PACKAGES[package](secret).verify(body, headers)
    except Exception as error:  # each package has classes of its own
        return f"refused: {type(error).__name__} {error}"
    return "accepted"


for line in sys.stdin:
    print(verdict(**json.loads(line)), flush=True)

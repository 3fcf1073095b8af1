"""The switch that keeps tests from calling a real model.

With `TIERWISE_MODEL_CALLS=loopback` in the environment every adapter refuses an endpoint that is
not on this machine, before a byte is sent; the shipped doubles listen there.
"""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from telecom.errors import ModelUnavailableError

SWITCH = "TIERWISE_MODEL_CALLS"
LOOPBACK = "loopback"


def check_call_allowed(model_id: str, url: str) -> None:
    """Pass a model's endpoint, unless real calls are switched off and it is a real one.

    Raises:
        ModelUnavailableError: It is not on this machine, and calls are kept on it.
    """
    if os.environ.get(SWITCH) != LOOPBACK or _is_local(urlsplit(url).hostname or ""):
        return
    raise ModelUnavailableError(
        model_id, f"real model calls are switched off here ({SWITCH}={LOOPBACK}); use a double"
    )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

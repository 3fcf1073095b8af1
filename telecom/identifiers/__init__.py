"""Identifier detection: who a text is about, and what opens a device.

Both halves use it: the site's egress gate replaces what it finds, the cloud half refuses text in
which it finds anything while the site is out of reach. Keys and the vault are the site's.
"""

from telecom.identifiers.detector import IdentifierDetector
from telecom.identifiers.kinds import DetectorSettings, Identifier, IdentifierKind
from telecom.identifiers.masking import mask
from telecom.identifiers.names import harvest
from telecom.identifiers.tokens import escape_lookalikes, find_tokens, is_token

__all__ = [
    "DetectorSettings",
    "Identifier",
    "IdentifierDetector",
    "IdentifierKind",
    "escape_lookalikes",
    "find_tokens",
    "harvest",
    "is_token",
    "mask",
]

"""What an identifier is: its kind, its place in a text, and the settings that decide."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IdentifierKind(StrEnum):
    """The kinds of identifier; the word is what a masked text shows."""

    SUBSCRIBER = "SUBSCRIBER"
    """IMSI/SUPI, MSISDN/GPSI, SUCI, GUTI/TMSI, NAI, IMPI/IMPU (3GPP TS 23.003)."""
    DEVICE = "DEVICE"
    """IMEI, IMEISV, PEI."""
    SIM = "SIM"
    """ICCID, EID (ITU-T E.118, GSMA SGP.02)."""
    IP = "IP"
    """An address that belongs to a subscriber."""
    MAC = "MAC"
    EMAIL = "EMAIL"
    PERSON = "PERSON"
    CIRCUIT = "CIRCUIT"
    """A customer's circuit, by the site's own patterns."""
    LOCATION = "LOCATION"
    """Where a person is or lives: a cell beside a subscriber, coordinates, a postal address."""
    ACCOUNT = "ACCOUNT"
    """Payment cards, bank accounts, customer and national identity numbers."""
    SECRET = "SECRET"  # noqa: S105 - the name of a kind
    """What opens a device: communities, passwords, their hashes, private keys. Never leaves."""


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """One identifier found in a text."""

    start: int
    """0-based character offset."""
    end: int
    """Offset after the last character."""
    kind: IdentifierKind
    value: str
    """The span itself, as printed."""
    confidence: float
    """0 to 1: labelled or declared 0.95 and up, by shape and numbering plan 0.6 to 0.9."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What a site declares about its identifiers."""

    subscriber_prefixes: tuple[str, ...] = ()
    """CIDRs whose addresses belong to subscribers; element addresses stay readable."""
    mask_all_ips: bool = False
    circuit_ids: tuple[str, ...] = ()
    """Regular expressions (RE2) of customer circuit ids."""
    names: tuple[str, ...] = ()
    """Names harvested from ticket fields, masked wherever they recur."""
    country: str | None = None
    """ISO 3166-1 alpha-2: lets national telephone numbers be recognised."""

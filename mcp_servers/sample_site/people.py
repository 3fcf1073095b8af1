"""Fictitious people: subscribers whose identifiers leak into alarms and tickets, and NOC staff.

Numbers come from ranges set aside for fiction or tests: IMSI under the test country codes 001 and
999 and under unassigned networks of real ones, MSISDN from ranges that regulators reserve for
drama (Ofcom 07700 900xxx, NANP 555-01xx, Bundesnetzagentur 0171 39200xx and 0176 040690xx).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from random import Random

_FIRST = (
    "Alma Anton Bela Carla Dario Edda Emil Fenja Gero Hanna Ilse Jaro Karla Levin Mira Nils Oda "
    "Paul Rieke Soren Tilda Uwe Vera Wanja Yara Zeno"
).split()
_LAST = (
    "Ahrens Bierbaum Conradi Dornbusch Eickhoff Falkner Gerwald Hollmann Isenberg Jansohn Kressin "
    "Lauterbek Merten Niendorf Osterloh Pahlke Quast Rohwedder Steinfurt Tiedge Uhlmann Voss "
    "Wendelin Zaunbrecher"
).split()
_COMPANIES = (
    "Brandt Logistik|Hafenwerk Nord|Klinikum Talgau|Molkerei Sonnrain|Papierfabrik Ebers|"
    "Stadtwerke Lohrfeld|Tierpark Weidental|Windkraft Ostsee|Autohaus Kerner|"
    "Kreisverwaltung Seenland|Baustoffe Rennert|Druckhaus Falk"
).split("|")
_NETWORKS = ("00101", "99970", "26298", "23499", "99901")
_STAFF = ("nfeld", "tbrandis", "kosei", "lmarquardt", "rsolak", "jwiebe", "dprehn", "ahofer")


@dataclass(frozen=True, slots=True)
class Planted:
    """An identifier that the generator put into a record; fictitious, and secret all the same."""

    kind: str
    """imsi, supi, msisdn, imei, iccid, ip, email, person, circuit or secret."""
    value: str
    """As it stands in the files."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One fictitious customer and everything that identifies them."""

    name: str
    imsi: str
    msisdn: str
    imei: str
    iccid: str
    email: str
    ipv4: str
    ipv6: str

    @property
    def supi(self) -> str:
        """Subscription permanent identifier (3GPP TS 29.571)."""
        return f"imsi-{self.imsi}"

    @property
    def gpsi(self) -> str:
        """Generic public subscription identifier (3GPP TS 29.571)."""
        return f"msisdn-{self.msisdn.lstrip('+')}"

    @property
    def pei(self) -> str:
        """Permanent equipment identifier (3GPP TS 29.571)."""
        return f"imei-{self.imei}"


class People:
    """Draws subscribers, and remembers every identifier that somebody wrote down."""

    def __init__(self, rng: Random, *, count: int = 120) -> None:
        self._rng = rng
        self.subscribers = [_subscriber(rng, number) for number in range(count)]
        self._planted: dict[Planted, None] = {}

    def subscriber(self) -> Subscriber:
        """Some subscriber."""
        return self._rng.choice(self.subscribers)

    def plant(self, kind: str, value: str) -> str:
        """Remember that `value` is written into a record, and return it."""
        self._planted.setdefault(Planted(kind, value))
        return value

    def company(self) -> str:
        """The name of a business customer; not an identifier of a person."""
        return self._rng.choice(_COMPANIES)

    def circuit(self) -> str:
        """A customer circuit id, in the form that `site.yaml` declares."""
        return self.plant("circuit", circuit_id(self._rng))

    @property
    def planted(self) -> tuple[Planted, ...]:
        """Everything planted so far, in order."""
        return tuple(self._planted)


CIRCUIT_PATTERN = r"\bKX-\d{6}-[A-Z]{2}\b"


def circuit_id(rng: Random) -> str:
    """A customer circuit id."""
    return f"KX-{rng.randint(100_000, 999_999)}-DE"


def staff(rng: Random) -> str:
    """The login name of somebody who changes configurations."""
    return rng.choice(_STAFF)


def _subscriber(rng: Random, number: int) -> Subscriber:
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    network = _NETWORKS[number % len(_NETWORKS)]
    return Subscriber(
        name=f"{first} {last}",
        imsi=network + f"{rng.randrange(10**10):010d}",
        msisdn=_msisdn(rng, number),
        imei=_with_check_digit(f"0010{rng.randint(1010, 1099)}{rng.randrange(10**6):06d}"),
        iccid=_with_check_digit(f"894999{rng.randrange(10**12):012d}"),
        email=f"{first}.{last}{number}@example.net".lower(),
        ipv4=str(IPv4Address(int(IPv4Address("100.72.0.0")) + rng.randrange(1, 2**19 - 1))),
        ipv6=str(IPv6Address((0x20010DB8A000 << 80) + (rng.randrange(2**12) << 64) + 0x10)),
    )


def _msisdn(rng: Random, number: int) -> str:
    """E.164 with a plus, out of the ranges for fiction."""
    return (
        f"+4917139200{rng.randrange(100):02d}",
        f"+4917604069{rng.randrange(100):03d}",
        f"+447700900{rng.randrange(1000):03d}",
        f"+1202555{rng.randint(100, 199):04d}",
    )[number % 4]


def _with_check_digit(digits: str) -> str:
    """Append the Luhn digit (ISO/IEC 7812-1 annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{digits}{-total % 10}"

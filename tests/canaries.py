"""Canaries: random identifiers of every kind, planted all over a site, and the search after them.

The search sees through what hides a value from plain text: split, base64, hexadecimal, URL and
JSON escapes, HTML entities, gzip and deflate, full-width and zero-width characters, UTF-16,
reversed and TBCD digit order.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import random
import re
import string
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

import re2
from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo
from stdnum import luhn

PER_KIND = 64 if os.environ.get("CI") else 16
"""More than a thousand in all where a machine tests, a quick round where a person does."""
DEVICE = "canary-r1"
TOPICS = tuple(f"{animal}{number}" for animal in ("walrus", "heron") for number in range(8))
"""Words that stand in one document each, so that a question reaches it."""

_LETTERS = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True, slots=True)
class Canary:
    """One planted value, and a sentence of an alarm, ticket or document that holds it."""

    kind: str
    value: str
    text: str


def grow(seed: int, per_kind: int = PER_KIND) -> list[Canary]:
    """Make canaries: the same for the same seed, all values different."""
    draw = random.Random(seed)
    made: dict[str, Canary] = {}
    for kind, (maker, texts) in _KINDS.items():
        count = 0
        while count < per_kind:
            value = maker(draw)
            if value in made:
                continue
            made[value] = Canary(kind, value, draw.choice(texts).format(value))
            count += 1
    canaries = list(made.values())
    draw.shuffle(canaries)
    return canaries


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choice(string.digits) for _ in range(count))


def _word(draw: random.Random, count: int) -> str:
    """Letters that make no word of any language."""
    return "".join(draw.choice(_LETTERS) for _ in range(count))


def _secret(draw: random.Random) -> str:
    return _word(draw, 6) + _digits(draw, 3) + _word(draw, 4)


def _imei(draw: random.Random) -> str:
    body = "35" + _digits(draw, 12)
    return body + luhn.calc_check_digit(body)


def _iccid(draw: random.Random) -> str:
    body = "8949" + _digits(draw, 15)
    return body + luhn.calc_check_digit(body)


_SHARED = ((64, 128), (100, 256), (100, 256))
"""Ranges of the last three octets: RFC 6598, three digits so that no version looks alike."""

_KINDS = {
    "imsi": (
        lambda draw: "26201" + _digits(draw, 10),
        ("IMSI {} detached", "subscriber imsi-{} rejected", '{{"imsi": "{}"}}', "SUPI imsi-{}"),
    ),
    "msisdn": (
        lambda draw: "4917" + _digits(draw, 9),
        ("MSISDN {} barred", "gpsi msisdn-{}", "call back +{} please", "A-number {} lost"),
    ),
    "imei": (_imei, ("IMEI {} blacklisted", "PEI imei-{}", "device id {} odd")),
    "iccid": (_iccid, ("ICCID {} swapped", "SIM {} returned")),
    "suci": (
        lambda draw: f"0-262-01-0000-0-0-{_digits(draw, 10)}",
        ("SUCI suci-{} seen", "supi suci-{} failed"),
    ),
    "guti": (
        lambda draw: f"26201{draw.randrange(16**6):06x}{draw.randrange(16**7, 16**8):08x}0",
        ("5G-GUTI {} realloc", "guti={} unknown"),
    ),
    "nai": (
        lambda draw: f"{_word(draw, 8)}@realm.example.com",
        ("nai-{} not found", "extid-{} joined"),
    ),
    "impu": (
        lambda draw: f"{_word(draw, 8)}@ims.mnc001.mcc262.3gppnetwork.org",
        ("IMPU sip:{} 403", "From: <sip:{}>;tag=1"),
    ),
    "ue_ip": (
        lambda draw: ".".join(("100", *(str(draw.randrange(low, high)) for low, high in _SHARED))),
        ("UE IP {} unreachable", "Framed-IP-Address = {}"),
    ),
    "mac": (
        lambda draw: ":".join(f"{draw.randrange(256):02x}" for _ in range(6)),
        ("client MAC {} deauthenticated", "CPE mac {} offline"),
    ),
    "email": (lambda draw: f"{_word(draw, 9)}@example.com", ("mail to {} please",)),
    "person": (
        lambda draw: f"{_word(draw, 6).title()} {_word(draw, 8).title()}",
        ("Reported by: {}", "Customer name: {}"),
    ),
    "circuit": (lambda draw: f"KX-{_digits(draw, 6)}-DE", ("loss on {} since ten",)),
    "account": (lambda draw: f"K{_digits(draw, 9)}", ("customer number: {} complains",)),
    "community": (_secret, ("snmp-server community {} ro", "SNMP community string is {}")),
    "password": (_secret, ("password: {} was mailed", "enable secret 0 {}")),
}


def plant(site: Path, canaries: list[Canary]) -> None:
    """Put canaries into alarms, tickets, documents, configurations, file names and bad records.

    Circuits look as the sample site's own pattern has them.
    """
    texts = iter(canaries)
    share = len(canaries) // 20
    _plant_alarms(site / "alarms", _take(texts, 11 * share))
    _plant_tickets(site / "tickets", _take(texts, 5 * share))
    _plant_documents(site / "docs", _take(texts, 2 * share))
    _plant_configuration(site / "configs", list(texts))


def _take(canaries: Iterator[Canary], count: int) -> list[Canary]:
    return [canary for _, canary in zip(range(count), canaries, strict=False)]


def _plant_alarms(folder: Path, canaries: list[Canary]) -> None:
    lines = [
        f"Mar  1 10:{number // 60 % 60:02d}:{number % 60:02d} {DEVICE} %CANARY-3-SEEN: "
        f"{canary.text}"
        for number, canary in enumerate(canaries)
    ]
    (folder / f"{DEVICE}.log").write_text("\n".join(lines) + "\n")
    # What is named and what is spoilt travels in errors and locators.
    odd = canaries[0]
    (folder / f"imsi-{_digits_of(odd.value)}.log").write_text("\x00\x01 no alarm at all\n")
    (folder / "spoilt.jsonl").write_text('{"alarmId": "' + odd.text.replace('"', "") + "\n")


def _plant_tickets(folder: Path, canaries: list[Canary]) -> None:
    rows = []
    for number in range(0, len(canaries), 8):
        group = canaries[number : number + 8]
        rows.append(
            {
                "ticket_id": f"CAN{number:05d}",
                "title": f"Canary complaint {number}",
                "description": ". ".join(canary.text for canary in group[:4]),
                "managed_object": DEVICE,
                "opened_at": "2026-02-01T08:00:00Z",
                "closed_at": "2026-02-01T09:00:00Z",
                "cause": "unknown",
                "close_note": ". ".join(canary.text for canary in group[4:]),
            }
        )
    (folder / "canaries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _plant_documents(folder: Path, canaries: list[Canary]) -> None:
    folder.mkdir(exist_ok=True)
    for number, topic in enumerate(TOPICS):
        named = canaries[number]
        name = f"{topic} imsi-{_digits_of(named.value)}.md"
        lines = "\n\n".join(canary.text for canary in canaries[number :: len(TOPICS)])
        (folder / name).write_text(f"# Handling of {topic}\n\nAbout {topic}.\n\n{lines}\n")


def _digits_of(value: str) -> str:
    """Fifteen digits of a value for a name; values without them lend theirs from its hash."""
    digits = re.sub(r"\D", "", value)
    return digits if len(digits) >= 13 else f"{zlib.crc32(value.encode()) % 10**10:010d}26201"


def _plant_configuration(folder: Path, canaries: list[Canary]) -> None:
    lines = [f"hostname {DEVICE}"]
    for number, canary in enumerate(canaries):
        if canary.kind in ("community", "password"):
            lines.append(f"snmp-server community {canary.value} ro")
        else:
            lines += [f"interface Loopback{number}", f" description {canary.text}", "!"]
    _commit(folder, DEVICE, "\n".join(lines) + "\n")


def _commit(folder: Path, name: str, text: str) -> None:
    """Add a file to a bare repository's branch."""
    with closing(Repo(str(folder))) as repository:
        head = repository.head()
        last = repository[head]
        assert isinstance(last, Commit)
        tree = repository[last.tree]
        assert isinstance(tree, Tree)
        blob = Blob.from_string(text.encode())
        tree.add(name.encode(), 0o100644, blob.id)
        commit = Commit()
        commit.tree, commit.parents = tree.id, [head]
        commit.author = commit.committer = b"oxidized <o@example.net>"
        commit.author_time = commit.commit_time = last.commit_time + 60
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"add " + name.encode()
        for each in (blob, tree, commit):
            repository.object_store.add_object(each)
        repository.refs[repository.refs.follow(b"HEAD")[0][-1]] = commit.id


# ---------------------------------------------------------------------------------- search

_CHUNK = re.compile(rb"\r\n[0-9a-fA-F]{1,6}\r\n")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_NOT_WORD = re.compile(rb"[^0-9a-z@]+")


class CanarySearch:
    """Finds canaries in bytes, however they are written."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._spellings: dict[str, dict[bytes, Canary]] = {}
        for canary in canaries:
            for family, spelling in _spellings(canary):
                self._spellings.setdefault(family, {})[spelling] = canary
        self._patterns = {
            family: _alternation(spellings) for family, spellings in self._spellings.items()
        }

    def found_in(self, data: bytes) -> Counter[str]:
        """Which canaries stand in `data`, per kind."""
        return Counter(canary.kind for canary in self.canaries_in(data))

    def canaries_in(self, data: bytes) -> set[Canary]:
        """The canaries in `data`, in any spelling."""
        found: set[Canary] = set()
        for family, view in _views(data):
            spellings = self._spellings[family]
            for match in self._patterns[family].finditer(view):
                found.add(spellings[match.group()])
        return found


def _alternation(spellings: Iterable[bytes]) -> re.Pattern[bytes]:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 512 << 20
    pattern = b"|".join(re2.escape(spelling) for spelling in sorted(spellings))
    compiled: re.Pattern[bytes] = re2.compile(pattern, options)
    return compiled


def _spellings(canary: Canary) -> Iterator[tuple[str, bytes]]:
    plain = canary.value.lower().encode()
    yield "text", plain
    yield "text", plain[::-1]
    yield "text", plain.hex().encode()
    yield "text", canary.value.encode().hex().encode()
    packed = _NOT_WORD.sub(b"", plain)
    if len(packed) >= 9 and canary.kind != "ue_ip":  # short ones stand in longer numbers by chance
        yield "packed", packed
    yield "bytes", canary.value.encode("utf-16-le")
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + canary.value.encode()).rstrip(b"=")
        yield "bytes", whole[2 if offset == 1 else 3 if offset == 2 else 0 : -1]
    digits = re.sub(r"\D", "", canary.value)
    if canary.kind in ("imsi", "msisdn", "imei", "iccid"):
        even = digits if len(digits) % 2 == 0 else digits + "f"
        swapped = "".join(even[at + 1] + even[at] for at in range(0, len(even), 2))
        yield "text", swapped.encode()
        yield "bytes", bytes.fromhex(swapped)


def _views(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The data as it stands, and with each disguise undone."""
    plain = [data, _CHUNK.sub(b"", data), *_unpacked(data)]
    for piece in plain:
        yield "bytes", piece
        text = piece.decode("utf-8", "replace")
        undone = (
            re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text),
            unquote_to_bytes(piece).decode("utf-8", "replace"),
            html.unescape(text),
            text if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)),
        )
        for each in dict.fromkeys((text, *undone)):
            lower = each.lower().encode("utf-8", "replace")
            yield "text", lower
            yield "packed", _NOT_WORD.sub(b"", lower)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """What gzip and zlib streams in `data` hold."""
    for match in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x9c\xda]", data):
        piece = data[match.start() :]
        unpack = zlib.decompressobj(31 if match.group().startswith(b"\x1f") else 15)
        try:
            yield unpack.decompress(piece, 1 << 24)
        except zlib.error:
            continue


DISGUISES = {
    "plain": lambda value: value.encode(),
    "split over segments": lambda value: value[:5].encode() + b"\r\n1f\r\n" + value[5:].encode(),
    "grouped": lambda value: f"{value[:4]}-{value[4:8]} {value[8:]}".encode(),
    "base64": lambda value: base64.b64encode(b"x" + value.encode() + b"yz"),
    "hex": lambda value: value.encode().hex().upper().encode(),
    "url": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()).encode(),
    "json escapes": lambda value: "".join(f"\\u{ord(one):04x}" for one in value).encode(),
    "html entities": lambda value: "".join(f"&#{ord(one)};" for one in value).encode(),
    "gzip": lambda value: b"junk" + gzip.compress(value.encode()),
    "full-width": lambda value: "".join(
        chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in value
    ).encode(),
    "zero-width": lambda value: "\u200b".join(value).encode(),
    "reversed": lambda value: value[::-1].encode(),
    "utf-16": lambda value: value.encode("utf-16-le"),
    "upper case": lambda value: value.upper().encode(),
}
"""Ways to hide a value that the search has to see through."""


def tbcd(digits: str) -> bytes:
    """Digits in the order that signalling sends them (3GPP TS 29.002)."""
    even = digits if len(digits) % 2 == 0 else digits + "f"
    return bytes.fromhex("".join(even[at + 1] + even[at] for at in range(0, len(even), 2)))

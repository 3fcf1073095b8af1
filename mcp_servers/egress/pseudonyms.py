"""Pseudonyms: typed, stable per site and key epoch, reversible only through the site's vault."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections import OrderedDict
from ipaddress import ip_address, ip_network
from pathlib import Path

from mcp_servers.egress.vault import EpochKeys, Vault
from telecom.identifiers.canonical import canonical
from telecom.identifiers.kinds import IdentifierKind
from telecom.identifiers.tokens import find_tokens, is_token

_PART = 12
_SUBNET_PART = 8
_REMEMBERED = 200_000


class Pseudonymizer:
    """Makes and resolves the site's pseudonyms; safe to use from several threads.

    New tokens are written to the vault by `flush`, which the gate calls before anything leaves.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._lock = threading.Lock()
        self._tokens: OrderedDict[tuple[int, str, str], str] = OrderedDict()
        self._pending: dict[str, str] = {}

    @classmethod
    def open(cls, store: Path) -> Pseudonymizer:
        """Open the vault under a site's `store/`.

        Raises:
            StoreDamagedError: The vault or an epoch key cannot be read.
        """
        return cls(Vault.open(store))

    def token(self, kind: IdentifierKind | str, value: str) -> str:
        """Name `value` by its pseudonym; all spellings of one identifier have the same."""
        kind = IdentifierKind(kind)
        keys = self._vault.current
        remembered = (keys.epoch, kind.value, value)
        with self._lock:
            token = self._tokens.get(remembered)
            if token is not None:
                self._tokens.move_to_end(remembered)
                return token
        token = make_token(keys, kind, value)
        with self._lock:
            self._tokens[remembered] = token
            self._pending.setdefault(token, value)
            if len(self._tokens) > _REMEMBERED:
                self._tokens.popitem(last=False)
        return token

    def flush(self) -> None:
        """Write the tokens made since the last flush to the vault."""
        with self._lock:
            pending = dict(self._pending)
        if pending:
            self._vault.keep(pending.items())
            with self._lock:
                for token in pending:
                    self._pending.pop(token, None)

    def resolve(self, token: str) -> str | None:
        """What `token` stands for, as first seen; None when unknown or forgotten.

        Raises:
            StoreDamagedError: The vault's row was altered.
        """
        if not is_token(token):
            return None
        with self._lock:
            pending = self._pending.get(token)
        return pending if pending is not None else self._vault.original(token)

    def resolve_text(self, text: str) -> str:
        """Replace every pseudonym of this site in `text` by what it stands for."""
        pieces: list[str] = []
        done = 0
        for start, end in find_tokens(text):
            original = self.resolve(text[start:end])
            if original is not None:
                pieces += [text[done:start], original]
                done = end
        return "".join([*pieces, text[done:]])

    def is_known(self, token: str) -> bool:
        """Tell whether this site made `token` and still knows what it stands for."""
        return self.resolve(token) is not None

    @property
    def epochs(self) -> tuple[int, ...]:
        """Key epochs that can still be resolved, oldest first; the last makes tokens."""
        return self._vault.epochs

    def start_epoch(self) -> int:
        """Begin a new key epoch; every token changes, old ones still resolve."""
        self.flush()
        return self._vault.start_epoch()

    def forget_epoch(self, epoch: int) -> None:
        """Destroy an epoch's key: its tokens can never be resolved again."""
        self.flush()
        self._vault.forget_epoch(epoch)

    def close(self) -> None:
        """Flush and close the vault."""
        self.flush()
        self._vault.close()


def make_token(keys: EpochKeys, kind: IdentifierKind, value: str) -> str:
    """Derive the pseudonym of a value under the keys of one epoch."""
    spelled = canonical(kind, value)
    if kind is IdentifierKind.IP:
        return _address_token(keys, spelled)
    return f"{kind.value}_{_part(keys, kind.value, spelled, _PART)}"


def _address_token(keys: EpochKeys, spelled: str) -> str:
    try:
        address = ip_address(spelled)
    except ValueError:
        subnet = spelled
    else:
        subnet = str(ip_network((address, 24 if address.version == 4 else 64), strict=False))
    return "_".join(
        ("IP", _part(keys, "subnet", subnet, _SUBNET_PART), _part(keys, "IP", spelled, _PART))
    )


def _part(keys: EpochKeys, domain: str, value: str, length: int) -> str:
    """Base32 of an HMAC; drawn again until it has a digit, which no word has."""
    for attempt in range(256):
        message = f"{domain}\0{attempt}\0{value}".encode(errors="surrogatepass")
        digest = hmac.new(keys.token_key, message, hashlib.sha256).digest()
        part = base64.b32encode(digest).decode().lower()[:length]
        if not part.isalpha():
            return part
    raise AssertionError("256 digests without one digit do not happen")

"""Keys of other issuers: fetched, kept through a cut line, and never trusted for ever."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key

from mcp_servers.serving.identity import SiteKeys, TokenVerifier
from mcp_servers.serving.issuer_keys import (
    FRESH_SECONDS,
    RETRY_SECONDS,
    STALE_SECONDS,
    FetchedKeys,
)
from mcp_servers.site_directory import CallerSettings, IssuerSettings
from telecom.errors import IdentityError

IDP = "https://idp.example"
RSA = new_rsa_key(public_exponent=65537, key_size=2048)


def rsa_jwk(key: RSAPrivateKey, kid: str, **more: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return content | {"kid": kid} | more


@dataclass
class Issuer:
    """An issuer's key endpoint that can be down, huge or odd."""

    answer: bytes = b""
    status: int = 200
    asked: int = 0
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def serve(self, *keys: dict[str, Any]) -> None:
        self.answer = json.dumps({"keys": list(keys)}).encode()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    known = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked += 1
            self.send_response(known.status)
            for name, value in known.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(known.answer)))
            self.end_headers()
            self.wfile.write(known.answer)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    known.serve(rsa_jwk(RSA, "k1"))
    yield known
    server.shutdown()
    server.server_close()
    thread.join(5)


class Clock:
    def __init__(self) -> None:
        self.moment = time.time()

    def __call__(self) -> float:
        return self.moment


def fetched(issuer: Issuer, folder: Path, clock: Clock) -> FetchedKeys:
    return FetchedKeys(issuer.url, folder / "jwks.json", now=clock)


def test_keys_are_asked_for_once_and_hold_through_a_cut_line(
    issuer: Issuer, tmp_path: Path
) -> None:
    """Issue 4: a cache that survives a disconnect, also of the next process."""
    clock = Clock()
    first = fetched(issuer, tmp_path, clock)
    assert first.get("k1") is not None
    assert first.get("k1") is not None
    assert issuer.asked == 1
    issuer.status = 503
    clock.moment += STALE_SECONDS - 1
    restarted = fetched(issuer, tmp_path, clock)
    assert restarted.get("k1") is not None


def test_keys_that_nobody_could_refresh_for_a_week_are_no_longer_trusted(
    issuer: Issuer, tmp_path: Path
) -> None:
    """Issue 4: stale while down, but bounded; a clock that was set back is no way around."""
    clock = Clock()
    keys = fetched(issuer, tmp_path, clock)
    assert keys.get("k1") is not None
    issuer.status = 503
    clock.moment += STALE_SECONDS + 1
    assert keys.get("k1") is None
    clock.moment -= 2 * STALE_SECONDS
    assert keys.get("k1") is None


def test_a_new_key_is_found_and_unknown_ids_do_not_hammer_the_issuer(
    issuer: Issuer, tmp_path: Path
) -> None:
    """Issue 4: a rotated key works at once; forged key ids cost the issuer one request a minute."""
    clock = Clock()
    keys = fetched(issuer, tmp_path, clock)
    assert keys.get("k1") is not None
    clock.moment += RETRY_SECONDS
    issuer.serve(rsa_jwk(RSA, "k2"))
    assert keys.get("k2") is not None
    for number in range(100):
        assert keys.get(f"forged-{number}") is None
    assert issuer.asked == 2


def test_old_keys_are_refreshed_behind_the_back_of_whoever_calls(
    issuer: Issuer, tmp_path: Path
) -> None:
    """Us: a slow issuer keeps nobody waiting whose key is known."""
    clock = Clock()
    keys = fetched(issuer, tmp_path, clock)
    assert keys.get("k1") is not None
    clock.moment += FRESH_SECONDS + 1
    assert keys.get("k1") is not None
    for thread in threading.enumerate():
        if thread.name == "jwks":
            thread.join(10)
    assert issuer.asked == 2


@pytest.mark.parametrize(
    ("status", "answer", "headers"),
    [
        (200, b"{", {}),
        (200, b"[]", {}),
        (200, b'{"keys": []}', {}),
        (200, b'{"keys": [{"kid": "k1", "kty": "oct", "k": "c2VjcmV0"}]}', {}),
        (200, b" " * 300_000, {}),
        (500, b"", {}),
        (302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    ],
)
def test_an_issuer_that_answers_nonsense_is_an_issuer_without_keys(
    issuer: Issuer, tmp_path: Path, status: int, answer: bytes, headers: dict[str, str]
) -> None:
    """Us: down, huge, lying or leading elsewhere: no key, no crash, no second address."""
    issuer.status, issuer.answer, issuer.headers = status, answer, headers
    assert fetched(issuer, tmp_path, Clock()).get("k1") is None


def test_a_key_set_comes_over_https() -> None:
    """Us: keys that anybody on the way may change are no keys."""
    with pytest.raises(IdentityError, match="https"):
        FetchedKeys("http://idp.example/jwks", Path("nowhere"))


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": IDP, "aud": "tierwise-site:north", "sub": "u1", "azp": "noc", "iat": now}
    return usual | {"exp": now + 60, "scope": "alarms:read"} | changes


def test_issuers_of_site_yaml_are_bound_to_their_callers(issuer: Issuer, tmp_path: Path) -> None:
    """Issue 4: several issuers, by URL and by file, each with its own audience and tiers."""
    keys = SiteKeys.open(tmp_path / "keys")
    ec = new_ec_key(SECP256R1())
    ec_jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ec.public_key())) | {"kid": "k1"}
    (tmp_path / "other.json").write_text(json.dumps({"keys": [ec_jwk]}))
    verifier = TokenVerifier.open(
        "north",
        keys,
        (
            CallerSettings(issuer=IDP, client="noc", tier="region"),
            CallerSettings(issuer="https://other.example", client="noc", tier="local_zone"),
        ),
        issuers=(
            IssuerSettings(issuer=IDP, jwks_url=issuer.url, audience="api://noc"),
            IssuerSettings(issuer="https://other.example", jwks_file=Path("other.json")),
        ),
        folder=tmp_path,
    )
    assert verifier.may_wait

    def signed(key: Any, algorithm: str, **changes: Any) -> str:
        return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": "k1"})

    assert verifier.verify(signed(RSA, "RS256", aud="api://noc")).tier == "region"
    other = signed(ec, "ES256", iss="https://other.example")
    assert verifier.verify(other).tier == "local_zone"
    for forged in (
        signed(RSA, "RS256"),  # the other issuer's audience
        signed(RSA, "RS512", aud="api://noc"),
        signed(ec, "ES256", aud="api://noc"),
        signed(RSA, "RS256", iss="https://other.example"),
    ):
        with pytest.raises(IdentityError):
            verifier.verify(forged)


def test_short_rsa_keys_and_keys_for_encryption_do_not_verify(
    issuer: Issuer, tmp_path: Path
) -> None:
    """NIST SP 800-131A: RSA of 2048 bits and more."""
    short = new_rsa_key(public_exponent=65537, key_size=1024)
    issuer.serve(rsa_jwk(short, "short"), rsa_jwk(RSA, "enc", use="enc"), rsa_jwk(RSA, "good"))
    keys = fetched(issuer, tmp_path, Clock())
    assert keys.get("short") is None
    assert keys.get("enc") is None
    assert keys.get("good") is not None

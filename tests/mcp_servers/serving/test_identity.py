"""Identity: a token that this site can verify makes a caller, and site.yaml says which tier."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import (
    STDIO_CALLER,
    Caller,
    SiteKeys,
    TokenIssuer,
    TokenVerifier,
    site_issuer,
)
from mcp_servers.serving.server_factory import build_server
from mcp_servers.site_directory import CallerSettings, ServingSettings
from placement.live import LivePolicy
from telecom.errors import IdentityError
from tests.mcp_servers.fixture_tools import Guard, serving, toolset

SITE = "north"
HOUR = timedelta(hours=1)
ROWS = (
    CallerSettings(issuer=site_issuer(SITE), client="region", tier="region"),
    CallerSettings(
        issuer=site_issuer(SITE), client="rack", tier="outposts", networks=("10.0.0.0/8",)
    ),
    CallerSettings(issuer="https://idp.example", client="noc-tools", tier="local_zone"),
)


@pytest.fixture
def keys(tmp_path: Path) -> SiteKeys:
    return SiteKeys.open(tmp_path / "keys")


@pytest.fixture
def verifier(keys: SiteKeys) -> TokenVerifier:
    return TokenVerifier.open(SITE, keys, ROWS)


def test_the_key_pair_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """Us: a key that others read signs for everybody."""
    first = SiteKeys.open(tmp_path / "keys")
    file = next((tmp_path / "keys").glob("*.pem"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert SiteKeys.open(tmp_path / "keys").key_id == first.key_id
    file.chmod(0o644)
    with pytest.raises(IdentityError, match="chmod 600"):
        SiteKeys.open(tmp_path / "keys")


def test_a_token_of_the_site_makes_a_caller_with_the_tier_of_its_row(
    keys: SiteKeys, verifier: TokenVerifier
) -> None:
    """Design section 3: the tier is what site.yaml binds to issuer and client."""
    token = TokenIssuer(SITE, keys).issue(["alarms:read", "tickets:read"], "region", HOUR)
    assert verifier.verify(token) == Caller(
        principal="tierwise-site:north/region",
        issuer="tierwise-site:north",
        client="region",
        tier="region",
        scopes=frozenset({"alarms:read", "tickets:read"}),
        transport="http",
    )


def test_a_valid_token_without_a_row_and_a_stdio_client_are_outside(
    keys: SiteKeys, verifier: TokenVerifier
) -> None:
    """Design section 4: outside is the lowest trust."""
    token = TokenIssuer(SITE, keys).issue(["alarms:read"], "mcp-client", HOUR)
    assert verifier.verify(token).tier is None
    assert STDIO_CALLER.tier is None


def test_a_row_with_networks_holds_from_there_only(keys: SiteKeys, verifier: TokenVerifier) -> None:
    """Us: a copied token is worth less elsewhere."""
    token = TokenIssuer(SITE, keys).issue(["alarms:read"], "rack", HOUR)
    assert verifier.verify(token, peer="10.1.2.3").tier == "outposts"
    assert verifier.verify(token, peer="192.0.2.1").tier is None
    assert verifier.verify(token).tier is None


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": site_issuer(SITE),
        "aud": site_issuer(SITE),
        "sub": "region",
        "client_id": "region",
        "scope": "alarms:read pii:reveal made:up",
        "iat": now,
        "exp": now + 600,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def _signed(keys: SiteKeys, **changes: Any) -> str:
    return jwt.encode(
        _claims(**changes), keys.signing_key, algorithm="EdDSA", headers={"kid": keys.key_id}
    )


def test_a_claim_may_only_narrow_the_tier(keys: SiteKeys, verifier: TokenVerifier) -> None:
    """Design section 3: never what a claim says."""
    assert verifier.verify(_signed(keys, tier="region")).tier == "region"
    assert verifier.verify(_signed(keys, tier="outposts")).tier is None
    assert verifier.verify(_signed(keys, tier="outside")).tier is None
    assert verifier.verify(_signed(keys, client_id="stranger", tier="outposts")).tier is None


def test_scopes_that_no_site_knows_are_dropped(keys: SiteKeys, verifier: TokenVerifier) -> None:
    """Us: a scope is a right, and rights are listed."""
    assert verifier.verify(_signed(keys)).scopes == {"alarms:read", "pii:reveal"}


def _unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _flipped(token: str) -> str:
    head, body, signature = token.split(".")
    changed = ("A" if signature[5] != "A" else "B") + signature[6:]
    return f"{head}.{body}.{signature[:5]}{changed}"


FORGERIES: dict[str, Callable[[SiteKeys], str]] = {
    "empty": lambda keys: "",
    "no jwt": lambda keys: "not.a.jwt",
    "not base64": lambda keys: "\u00e4.\u00f6.\u00fc",
    "binary": lambda keys: "\x00\x00.\x00.\x00",
    "expired": lambda keys: _signed(keys, exp=int(time.time()) - 1),
    "issued for later": lambda keys: _signed(keys, nbf=int(time.time()) + 600),
    "without expiry": lambda keys: _signed(keys, exp=None),
    "expiry is text": lambda keys: _signed(keys, exp="tomorrow"),
    "without subject": lambda keys: _signed(keys, sub=None),
    "without audience": lambda keys: _signed(keys, aud=None),
    "another site's audience": lambda keys: _signed(keys, aud=site_issuer("south")),
    "another site's issuer": lambda keys: _signed(keys, iss=site_issuer("south")),
    "issuer is a list": lambda keys: _unsigned(
        {"alg": "EdDSA", "kid": keys.key_id}, _claims(iss=[site_issuer(SITE)])
    ),
    "without issuer": lambda keys: _signed(keys, iss=None),
    "algorithm none": lambda keys: _unsigned({"alg": "none", "kid": keys.key_id}, _claims()),
    "algorithm None": lambda keys: _unsigned({"alg": "None", "kid": keys.key_id}, _claims()),
    "public key as HMAC secret": lambda keys: jwt.encode(
        _claims(),
        base64.b64encode(keys.public_key.public_bytes_raw() * 2),
        algorithm="HS256",
        headers={"kid": keys.key_id},
    ),
    "another key with our id": lambda keys: jwt.encode(
        _claims(),
        Ed25519PrivateKey.generate(),
        algorithm="EdDSA",
        headers={"kid": keys.key_id},
    ),
    "another kind of key": lambda keys: jwt.encode(
        _claims(),
        generate_private_key(SECP256R1()),
        algorithm="ES256",
        headers={"kid": keys.key_id},
    ),
    "unknown key id": lambda keys: jwt.encode(
        _claims(), keys.signing_key, algorithm="EdDSA", headers={"kid": "else"}
    ),
    "without key id": lambda keys: jwt.encode(_claims(), keys.signing_key, algorithm="EdDSA"),
    "key in the header": lambda keys: jwt.encode(
        _claims(),
        (key := Ed25519PrivateKey.generate()),
        algorithm="EdDSA",
        headers={"jwk": json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key()))},
    ),
    "key id is a path": lambda keys: jwt.encode(
        _claims(), keys.signing_key, algorithm="EdDSA", headers={"kid": "../../dev/null"}
    ),
    "signature altered": lambda keys: _flipped(_signed(keys)),
    "signature cut": lambda keys: _signed(keys).rpartition(".")[0] + ".",
    "claims altered": lambda keys: ".".join(
        (
            _signed(keys).split(".")[0],
            _signed(keys, sub="root").split(".")[1],
            _signed(keys).split(".")[2],
        )
    ),
    "claims are a list": lambda keys: _unsigned({"alg": "EdDSA", "kid": keys.key_id}, []),  # type: ignore[arg-type]
    "oversized": lambda keys: _signed(keys, padding="x" * 9000),
    "five parts": lambda keys: _signed(keys) + ".a.b",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused_and_nothing_else_happens(
    name: str, keys: SiteKeys, verifier: TokenVerifier
) -> None:
    """R8, OWASP: every way of forging a token ends in the one refusal, without an echo."""
    token = FORGERIES[name](keys)
    with pytest.raises(IdentityError) as refusal:
        verifier.verify(token)
    assert len(token) < 9 or token not in str(refusal.value)


def test_over_http_a_forged_token_gets_401_and_nothing_else(
    keys: SiteKeys, verifier: TokenVerifier, guard: Guard
) -> None:
    """Issue 4: the table of forged, expired, foreign, alg-none, confused and oversized tokens."""
    server = build_server(
        toolset(),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        verifier=verifier,
    )
    app = build_app(
        {"alarms": server},
        verifier,
        ServingSettings(),
        missing=lambda: (),
        policy=lambda: LivePolicy().status,
    )
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    with serving(app) as url, httpx.Client(timeout=20) as client:

        def ask(token: str) -> httpx.Response:
            headers = {
                b"Authorization": b"Bearer " + token.encode(),
                b"Accept": b"application/json, text/event-stream",
            }
            return client.post(f"{url}/alarms/mcp", json=body, headers=headers)

        assert (
            ask(TokenIssuer(SITE, keys).issue(["alarms:read"], "region", HOUR)).status_code == 200
        )
        narrow = TokenIssuer(SITE, keys).issue(["tickets:read"], "region", HOUR)
        assert ask(narrow).status_code == 403
        for name, forge in FORGERIES.items():
            if name in ("binary", "empty"):
                continue  # HTTP has no way to send them
            answer = ask(forge(keys))
            assert (name, answer.status_code) == (name, 401)
            assert "tools" not in answer.text
    assert guard.ledger.entries() == []


def test_another_issuer_is_trusted_through_a_file_of_its_keys(keys: SiteKeys) -> None:
    """Us: verification works while the site is cut off, so keys are files."""
    foreign = generate_private_key(SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(foreign.public_key()))
    folder = keys.folder / "trusted"
    folder.mkdir()
    (folder / "idp.json").write_text(
        json.dumps({"issuer": "https://idp.example", "keys": [jwk | {"kid": "k1"}]})
    )
    verifier = TokenVerifier.open(SITE, keys, ROWS)
    claims = _claims(iss="https://idp.example", sub="u1", client_id=None, azp="noc-tools")
    token = jwt.encode(claims, foreign, algorithm="ES256", headers={"kid": "k1"})
    assert verifier.verify(token).tier == "local_zone"
    stolen = jwt.encode(
        claims | {"iss": site_issuer(SITE)}, foreign, algorithm="ES256", headers={"kid": "k1"}
    )
    with pytest.raises(IdentityError):
        verifier.verify(stolen)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"issuer": "https://idp.example", "keys": []}',
        '{"issuer": "tierwise-site:north", "keys": []}',
        '{"issuer": "x", "keys": [{"kid": "k", "kty": "oct", "k": "c2VjcmV0"}]}',
        '{"issuer": "x", "keys": [{"kid": "k", "kty": "RSA", "n": "AQAB", "e": "AQAB"}]}',
    ],
)
def test_a_key_file_that_cannot_be_trusted_stops_the_start(content: str, keys: SiteKeys) -> None:
    """Us: half a trust list is no trust list."""
    (keys.folder / "trusted").mkdir()
    (keys.folder / "trusted" / "bad.json").write_text(content)
    with pytest.raises(IdentityError, match=r"bad\.json"):
        TokenVerifier.open(SITE, keys, ROWS)


@pytest.mark.parametrize(
    ("scopes", "caller", "ttl"),
    [
        ([], "region", HOUR),
        (["alarms:all"], "region", HOUR),
        (["alarms:read"], "", HOUR),
        (["alarms:read"], "region", timedelta(0)),
        (["alarms:read"], "region", timedelta(days=4000)),
    ],
)
def test_no_token_is_issued_that_says_less_than_it_should(
    scopes: list[str], caller: str, ttl: timedelta, keys: SiteKeys
) -> None:
    """Us: scopes, caller and end are never left open."""
    with pytest.raises(IdentityError):
        TokenIssuer(SITE, keys).issue(scopes, caller, ttl)

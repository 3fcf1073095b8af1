"""Whom a request is made for: believed by the site only with its orchestrator's signature."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from mcp_servers.cli import app
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import site_issuer
from mcp_servers.serving.person_verifier import PersonVerifier
from mcp_servers.serving.server_factory import build_server
from mcp_servers.site_directory import CallerSettings, ServingSettings
from orchestrator.site_access.person_statements import PersonStatements
from placement.live import LivePolicy
from telecom.errors import IdentityError
from tests.mcp_servers.fixture_tools import SITE_ID, Guard, serving, toolset

INCIDENT = "inc-4be1"


@pytest.fixture
def orchestrator(tmp_path: Path) -> PersonStatements:
    """An orchestrator with a key of its own."""
    return PersonStatements.open(tmp_path / "state" / "key.pem")


def test_only_what_the_callers_orchestrator_signed_is_recorded_as_a_person(
    guard: Guard,
    orchestrator: PersonStatements,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Issue 4: `on_behalf_of` is signed by the orchestrator; a name without proof is no person."""
    person = orchestrator.pseudonym("A. Keller")
    stranger = PersonStatements(Ed25519PrivateKey.generate())
    fine = orchestrator.statement(person, investigation=INCIDENT, site_id=SITE_ID)
    now = int(time.time())
    cases: list[tuple[str, object, str | None]] = [
        ("region", fine, person),
        ("region", None, None),
        ("region", person, "unverified"),
        ("region", "A. Keller", "unverified"),
        ("region", {"sub": person}, "unverified"),
        ("region", fine + "x" * 5000, "unverified"),
        ("site", fine, "unverified"),
        (
            "region",
            stranger.statement(person, investigation=INCIDENT, site_id=SITE_ID),
            "unverified",
        ),
        (
            "region",
            orchestrator.statement(person, investigation=INCIDENT, site_id="elsewhere"),
            "unverified",
        ),
        (
            "region",
            orchestrator.statement(person, investigation="inc-other", site_id=SITE_ID),
            "unverified",
        ),
        (
            "region",
            orchestrator.statement("A. Keller", investigation=INCIDENT, site_id=SITE_ID),
            "unverified",
        ),
        ("region", altered(orchestrator, fine, exp=now - 120, iat=now - 400), "unverified"),
        ("region", altered(orchestrator, fine, exp=now + 86_400), "unverified"),
        ("region", altered(orchestrator, fine, typ="JWT"), "unverified"),
        ("region", altered(orchestrator, fine, aud=None), "unverified"),
        ("region", without_signature(fine), "unverified"),
        ("region", swapped_person(fine, orchestrator.pseudonym("B. Wagner")), "unverified"),
    ]
    with served(guard, orchestrator, tmp_path) as url:
        for caller, stated, _ in cases:
            token = guard.issuer.issue(("alarms:read",), caller, timedelta(minutes=5))
            ask(url, token, stated)
    entries = guard.ledger.entries(INCIDENT)
    assert [entry.on_behalf_of for entry in entries] == [expected for _, _, expected in cases]
    assert all(record.levelno <= logging.WARNING for record in caplog.records)
    assert "Keller" not in caplog.text


def test_the_ledger_shows_whom_an_answer_was_for(
    guard: Guard, orchestrator: PersonStatements, tmp_path: Path
) -> None:
    """Issue 4: `ledger show` says to whom and on whose behalf; INTERFACES."""
    person = orchestrator.pseudonym("A. Keller")
    with served(guard, orchestrator, tmp_path) as url:
        token = guard.issuer.issue(("alarms:read",), "region", timedelta(minutes=5))
        for stated in (
            orchestrator.statement(person, investigation=INCIDENT, site_id=SITE_ID),
            "A. Keller",
        ):
            ask(url, token, stated)
    (tmp_path / "site.yaml").write_text(f"site_id: {SITE_ID}\n")
    shown = CliRunner().invoke(app, ["ledger", "show", str(tmp_path), "--json"])
    rows = json.loads(shown.stdout)
    assert [row["on_behalf_of"] for row in rows] == [person, "unverified"]


def test_a_person_has_one_pseudonym_per_orchestrator_and_no_other_can_make_it(
    orchestrator: PersonStatements, tmp_path: Path
) -> None:
    """Issue 4: pseudonymous towards the site, the same person in every entry."""
    again = PersonStatements.open(tmp_path / "state" / "key.pem")
    other = PersonStatements.open(tmp_path / "other" / "key.pem")
    names = ("A. Keller", "A. Keller", "B. Wagner")
    mine = [orchestrator.pseudonym(name) for name in names]
    assert [again.pseudonym(name) for name in names] == mine
    assert (mine[0] == mine[1], mine[0] == mine[2]) == (True, False)
    assert other.pseudonym("A. Keller") != mine[0]
    assert "d" not in orchestrator.key_set["keys"][0]


def test_keys_that_cannot_be_read_stop_the_site_before_it_serves(tmp_path: Path) -> None:
    """Us: closed by default, and a mistyped file name is told at once."""
    rows = (row(statement_keys=Path("missing.json")),)
    with pytest.raises(IdentityError, match=r"missing\.json"):
        PersonVerifier.open(SITE_ID, rows, folder=tmp_path)


def row(**more: Any) -> CallerSettings:
    """The row of `site.yaml` for the caller in the Region."""
    return CallerSettings(issuer=site_issuer(SITE_ID), client="region", tier="region", **more)


def served(guard: Guard, orchestrator: PersonStatements, folder: Path) -> Any:
    """A site that has the orchestrator's public key for its caller in the Region."""
    (folder / "keys.json").write_text(json.dumps(orchestrator.key_set))
    rows = (row(statement_keys=Path("keys.json")),)
    server = build_server(
        toolset(),
        guard.gate,
        known_classes=guard.policy.catalogue.classes,
        verifier=guard.verifier,
        people=PersonVerifier.open(SITE_ID, rows, folder=folder),
    )
    return serving(
        build_app(
            {"alarms": server},
            guard.verifier,
            ServingSettings(),
            missing=lambda: (),
            policy=lambda: LivePolicy().status,
        )
    )


def ask(url: str, token: str, stated: object) -> None:
    """Call a tool as an orchestrator does, with metadata."""
    meta = {"tierwise/investigation": INCIDENT, "tierwise/on_behalf_of": stated}
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "echo", "arguments": {"text": "up"}, "_meta": meta},
    }
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
    }
    answer = httpx.post(f"{url}/alarms/mcp", json=request, headers=headers, timeout=10)
    assert answer.json()["result"]["structuredContent"] == {"text": "up"}, answer.text


def altered(orchestrator: PersonStatements, statement: str, **changes: Any) -> str:
    """A statement with other claims, signed with the right key all the same."""
    header = jwt.get_unverified_header(statement)
    claims = jwt.decode(statement, options={"verify_signature": False})
    header["typ"] = changes.pop("typ", header["typ"])
    merged = {key: value for key, value in (claims | changes).items() if value is not None}
    return jwt.encode(merged, orchestrator._key, algorithm="EdDSA", headers=header)


def without_signature(statement: str) -> str:
    """The same claims under `alg: none`."""
    header = jwt.get_unverified_header(statement)
    claims = jwt.decode(statement, options={"verify_signature": False})
    kept = {key: header[key] for key in ("kid", "typ")}
    return jwt.encode(claims, "", algorithm="none", headers=kept)


def swapped_person(statement: str, person: str) -> str:
    """Somebody else's name under the old signature."""
    head, _, signature = statement.split(".")
    claims = jwt.decode(statement, options={"verify_signature": False}) | {"sub": person}
    body = jwt.utils.base64url_encode(json.dumps(claims).encode()).decode()
    return f"{head}.{body}.{signature}"

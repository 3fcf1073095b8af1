"""`tierwise doctor`: what of each site and of the account is safe, and what could not be asked."""

from __future__ import annotations

import base64
import json
import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestrator.cli import app
from placement.policy import load_policy
from tests.canned_server import canned

SCOPES = "alarms:read configs:read tickets:read"
MODEL = "amazon.nova-pro-v1:0"


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIERWISE_STATE", str(tmp_path / "state.sqlite"))
    monkeypatch.chdir(tmp_path)


def examined(settings: dict[str, Any], *, code: int) -> dict[str, dict[str, str]]:
    Path("tierwise.yaml").write_text(json.dumps({"aws_region": "eu-central-1"} | settings))
    shown = CliRunner().invoke(app, ["doctor", "--json"])
    assert shown.exit_code == code, shown.stdout + shown.stderr
    return {check["what"]: check for check in json.loads(shown.stdout)}


def token(scopes: str, seconds: float) -> str:
    """A token as a site issues it; nobody here can check the signature."""
    claims = {"scope": scopes, "exp": time.time() + seconds}
    parts = (json.dumps({"alg": "EdDSA"}), json.dumps(claims), "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize(
    ("scopes", "seconds", "verdict"),
    [(SCOPES, 7 * 86_400, "ok"), (SCOPES, 3_600, "warn"), ("alarms:read", 7 * 86_400, "warn")],
)
def test_a_token_is_judged_by_its_scopes_and_its_end(scopes, seconds, verdict) -> None:
    """Issue 12: scopes."""
    Path("core.jwt").write_text(token(scopes, seconds))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    site = {"name": "core", "url": nobody, "token_file": "core.jwt", "country": "DE"}
    checks = examined({"sites": [site]}, code=1)
    assert checks["core: token"]["verdict"] == verdict
    assert checks["core: tools"]["verdict"] == "fail"
    assert "core: clock" not in checks


def test_a_site_with_another_policy_or_a_wrong_clock_is_found() -> None:
    """Issue 12: clocks, and policy versions of the cloud half and the site."""
    own = load_policy()
    there = {
        "state": "current",
        "policy_sha256": own.policy_sha256,
        "catalogue_sha256": own.catalogue_sha256,
        "loaded_at": "2026-11-20T12:00:00Z",
        "problems": 0,
    }
    found = []
    for policy, off in ((there, 0), (there | {"catalogue_sha256": "b" * 64}, 600)):
        answers = {"/readyz": (200, {"policy": policy})}
        with canned(answers, clock_off=timedelta(seconds=off)) as url:
            checks = examined({"sites": [{"name": "core", "url": url, "country": "DE"}]}, code=1)
        found.append((checks["core: policy"]["verdict"], checks["core: clock"]["verdict"]))
    assert found == [("ok", "ok"), ("warn", "fail")]


def account(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def answers_of(mode: str, logging: dict[str, Any], authorized: str) -> dict[str, Any]:
    availability = {
        "modelId": MODEL,
        "agreementAvailability": {"status": "AVAILABLE"},
        "authorizationStatus": authorized,
        "entitlementAvailability": "AVAILABLE",
        "regionAvailability": "AVAILABLE",
    }
    return {
        "/data-retention": (200, {"mode": mode}),
        "/logging/modelinvocations": (200, logging),
        f"/foundation-model-availability/{MODEL.replace(':', '%3A')}": (200, availability),
    }


BEDROCK = {"analyst": "bedrock", "bedrock_model": f"eu.{MODEL}"}


@pytest.mark.parametrize(
    ("mode", "logging", "authorized", "verdicts"),
    [
        ("none", {}, "AUTHORIZED", ("ok", "ok", "ok")),
        (
            "default",
            {"loggingConfig": {"s3Config": {"bucketName": "prompts"}}},
            "NOT_AUTHORIZED",
            ("warn", "warn", "fail"),
        ),
        ("provider_data_share", {}, "AUTHORIZED", ("fail", "ok", "ok")),
    ],
    ids=["closed", "leaky", "shared"],
)
def test_what_the_account_keeps_of_prompts_is_said(
    monkeypatch, mode, logging, authorized, verdicts
) -> None:
    """Issue 12: model access, data-retention mode and invocation logging."""
    with canned(answers_of(mode, logging, authorized)) as url:
        account(monkeypatch, url)
        checks = examined(BEDROCK, code=1 if "fail" in verdicts else 0)
    names = (
        "data retention of the account",
        "invocation logging of the account",
        f"access to {MODEL}",
    )
    assert tuple(checks[name]["verdict"] for name in names) == verdicts


def test_an_account_that_cannot_be_asked_is_not_checked_and_the_command_is_named(
    monkeypatch,
) -> None:
    """Issue 12: offline says `not checked`, honestly."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    account(monkeypatch, nobody)
    checks = examined(BEDROCK, code=0)
    asked = [each for what, each in checks.items() if what.endswith(("account", MODEL))]
    assert {each["verdict"] for each in asked} == {"not checked"}
    assert all("aws bedrock get-" in each["next"] for each in asked)
    assert not any(what.endswith("account") for what in examined({}, code=0))

"""AgentCore Runtime's contract: /ping and /invocations over the graph, in process and on a socket.

Source: AgentCore developer guide, HTTP protocol contract: GET /ping, POST /invocations on 8080,
JSON or server-sent events, the session in a header, HealthyBusy as long as work goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import boto3
import httpx
import pytest
import yaml
from bedrock_agentcore.runtime.context import RequestContext
from moto.server import ThreadedMotoServer
from starlette.testclient import TestClient

from orchestrator.agentcore.app import build_app
from orchestrator.agentcore.invocation import LARGEST_INVOCATION_BYTES
from orchestrator.agentcore.sessions import SHORTEST_SESSION_ID, incident_of, session_of
from orchestrator.agentcore.settings_secret import unpack_settings
from telecom.errors import SettingsError
from tests.command import COMMAND
from tests.heavy import heavy

IMSI = "262011234567890"
SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
CAUSE = "agg1:xe-0/0/1"


@contextmanager
def runtime(settings, **keys):
    """The application as the Runtime calls it."""
    with TestClient(build_app(settings, **keys)) as client:
        yield client


def events_of(answer):
    """The events of a stream."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.splitlines() if line]
    assert all(line.startswith("data: ") for line in lines)
    return [json.loads(line[6:]) for line in lines]


def test_an_invocation_answers_a_report(site, settings_for):
    """Issue 12: thin, over the same graph; `prompt` is what AgentCore's own tools send."""
    with runtime(settings_for(site)) as client:
        answer = client.post("/invocations", json={"prompt": "why are the cells down?"})
        ping = client.get("/ping")
    assert answer.status_code == 200
    assert answer.json()["root_causes"][0]["managed_object"] == CAUSE
    assert ping.json()["status"] == "Healthy"
    assert isinstance(ping.json()["time_of_last_update"], int)


def test_a_stream_tells_each_step_and_then_the_report(site, settings_for):
    """Issue 12: streaming."""
    session = session_of("inc-0123456789ab")
    with runtime(settings_for(site)) as client:
        answer = client.post("/invocations", json={"stream": True}, headers={SESSION: session})
    first, *steps, last = events_of(answer)
    assert first == {
        "event": "started",
        "incident_id": "inc-0123456789ab",
        "session_id": session,
    }
    assert [event["step"] for event in steps][:2] == ["scope", "plan"]
    assert last["event"] == "report"
    assert last["report"]["incident_id"] == "inc-0123456789ab"


def test_a_session_is_an_incident_and_is_investigated_once(site, settings_for):
    """Issue 12: the session id is derived from the incident id, and has 33 characters or more."""
    session = session_of("inc-0123456789ab")
    assert len(session) >= SHORTEST_SESSION_ID
    assert incident_of(session) == "inc-0123456789ab"
    assert incident_of("s" * 40) != incident_of("t" * 40)
    with runtime(settings_for(site)) as client:
        first = client.post("/invocations", json={}, headers={SESSION: session}).json()
        asked = len(site.calls)
        again = client.post("/invocations", json={}, headers={SESSION: session}).json()
    assert again == first
    assert len(site.calls) == asked


def test_a_machine_at_work_says_so(site, settings_for, summary):
    """Issue 12: HealthyBusy during long work, so that the Runtime does not take the machine."""
    asked, release = threading.Event(), threading.Event()

    def slowly():
        asked.set()
        release.wait(30)
        return summary

    site.faults["summarize_alarms"] = slowly
    with runtime(settings_for(site)) as client:
        call = threading.Thread(target=lambda: client.post("/invocations", json={}))
        call.start()
        assert asked.wait(30)
        busy = client.get("/ping").json()["status"]
        release.set()
        call.join(30)
        idle = client.get("/ping").json()["status"]
    assert (busy, idle) == ("HealthyBusy", "Healthy")


@pytest.mark.parametrize(
    "state_address", ["sqlite", pytest.param("postgresql", marks=heavy)], indirect=True
)
def test_what_a_machine_left_behind_goes_on_from_the_state_of_ours(
    site, settings_for, changes, state_address
):
    """Issue 12: checkpoints are in SQLite or PostgreSQL, not in AgentCore Memory."""
    settings = settings_for(site, state=state_address)
    session = session_of("inc-0123456789ab")
    asked, release = threading.Event(), threading.Event()

    def never():
        asked.set()
        release.wait(30)
        return changes

    async def leave():
        app = build_app(settings)
        async with app.router.lifespan_context(app):
            call = asyncio.create_task(app.handlers["main"]({}, RequestContext(session_id=session)))
            assert await asyncio.to_thread(asked.wait, 30)
        return await call

    site.faults["list_changes"] = never
    try:
        left = asyncio.run(leave())
    finally:
        site.faults.clear()
        release.set()
    assert (left.status_code, json.loads(left.body)["error"]) == (503, "tool_retry")
    folded = [one.tool for one in site.calls].count("summarize_alarms")
    with runtime(settings) as client:
        report = client.post("/invocations", json={}, headers={SESSION: session}).json()
    assert report["root_causes"][0]["managed_object"] == CAUSE
    assert [one.tool for one in site.calls].count("summarize_alarms") == folded


@pytest.mark.parametrize(
    ("payload", "status", "said"),
    [
        ({"from": "2026-03-01T10:00:00Z"}, 400, "needs `from` and `to`"),
        ({"question": f"where is imsi-{IMSI}?"}, 400, "holds an identifier"),
        ({"window": IMSI}, 400, "window: Extra inputs are not permitted"),
        ([IMSI], 400, "payload"),
        ({"question": "q" * LARGEST_INVOCATION_BYTES}, 413, "a body may have 65536 bytes"),
    ],
)
def test_a_call_that_cannot_be_answered_says_why_and_repeats_nothing(
    site, settings_for, payload, status, said
):
    """Issue 12: redacted errors."""
    with runtime(settings_for(site)) as client:
        answer = client.post("/invocations", json=payload)
    assert answer.status_code == status
    assert said in answer.json()["message"]
    assert IMSI not in answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_what_nobody_foresaw_is_told_by_its_kind_alone(site, settings_for, caplog, stream):
    """Issue 12: an exception's words reach neither the caller nor the log."""

    def broken(*_args, **_keys):
        raise RuntimeError(f"imsi-{IMSI}")

    with runtime(settings_for(site, analyst="bedrock"), models=broken) as client:
        answer = client.post("/invocations", json={"stream": stream})
    told = events_of(answer)[-1] if stream else answer.json()
    assert told["error"] == "internal"
    assert "RuntimeError" in told["message"]
    assert IMSI not in answer.text + caplog.text
    assert "broke with RuntimeError in" in caplog.text


def test_a_failed_run_is_begun_afresh_by_the_next_call(site, settings_for):
    """Us: what is remembered of an outage must not outlast it."""
    settings = settings_for(site)
    headers = {SESSION: session_of("inc-0123456789ab")}
    site.stop()
    with runtime(settings) as client:
        down = client.post("/invocations", json={}, headers=headers)
    site.start()
    with runtime(settings) as client:
        up = client.post("/invocations", json={}, headers=headers)
    assert (down.status_code, down.json()["error"]) == (502, "site_unavailable")
    assert up.json()["root_causes"][0]["managed_object"] == CAUSE


def test_an_investigation_outlives_the_caller_that_hangs_up(site, tmp_path, summary):
    """Issue 12: curl-shaped, over a socket; the machine stays busy until the work is done."""
    call = b'{"stream": true}'
    headers = {"Accept": "text/event-stream", SESSION: session_of("inc-0123456789ab")}
    asked, release = threading.Event(), threading.Event()

    def slowly():
        asked.set()
        release.wait(60)
        return summary

    site.faults["summarize_alarms"] = slowly
    settings = {
        "aws_region": "eu-central-1",
        "state": "state.sqlite",
        "sites": [{"name": "site1", "url": site.url, "country": "DE"}],
    }
    (tmp_path / "tierwise.yaml").write_text(yaml.safe_dump(settings))
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "agentcore", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        serving = next(line for line in process.stderr if line.startswith("serving: "))
        with httpx.Client(base_url=serving.split()[1], timeout=60) as curl:
            assert curl.get("/ping").json()["status"] == "Healthy"
            with curl.stream("POST", "/invocations", content=call, headers=headers) as stream:
                assert "started" in next(stream.iter_lines())
                assert asked.wait(60)
            assert curl.get("/ping").json()["status"] == "HealthyBusy"
            release.set()
            answer = curl.post("/invocations", content=call, headers=headers)
        assert events_of(answer)[-1]["report"]["root_causes"][0]["managed_object"] == CAUSE
        assert [one.tool for one in site.calls].count("summarize_alarms") == 1
    finally:
        release.set()
        process.send_signal(signal.SIGTERM)
        _, words = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in words) == (-signal.SIGTERM, False)


def test_settings_and_tokens_come_from_one_secret(tmp_path, monkeypatch):
    """Us: a machine that mounts no file has its settings all the same, readable by it alone."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("secretsmanager")
    try:
        files = {"tierwise.yaml": "country: DE\n", "site.jwt": "a.b.c"}
        client.create_secret(Name="good", SecretString=json.dumps(files))
        client.create_secret(
            Name="bad", SecretString=json.dumps({"tierwise.yaml": "", "../x": "s3cret"})
        )
        file = unpack_settings("good", tmp_path / "settings")
        with pytest.raises(SettingsError, match="a file name has letters") as refused:
            unpack_settings("bad", tmp_path / "other")
        with pytest.raises(SettingsError, match="ResourceNotFoundException"):
            unpack_settings("missing", tmp_path / "other")
    finally:
        client.close()
        server.stop()
    assert file.read_text() == "country: DE\n"
    assert stat.S_IMODE((file.parent / "site.jwt").stat().st_mode) == 0o600
    assert "s3cret" not in str(refused.value)

"""How a delivery is handed over, kind by kind."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from orchestrator.incidents.outbox import Delivery
from orchestrator.secret_files import read_secret
from orchestrator.service_settings import Sink, SinkKind
from orchestrator.sinks.email_message import send_email
from orchestrator.sinks.payloads import jira_label
from orchestrator.sinks.pinned_http import Answer, DeliveryError, PinnedHttp
from orchestrator.sinks.sns_topic import publish
from telecom.webhook_signature import SIGNATURE_HEADER, sign_webhook

KEY_HEADER = "Idempotency-Key"
_MOST_ALARMS = 5
"""Alarms of one object that carry the cause; more than that is a pattern, not a record."""

Sender = Callable[[Sink, Delivery, PinnedHttp], Awaitable[None]]


async def deliver(sink: Sink, delivery: Delivery, http: PinnedHttp) -> None:
    """Hand a delivery over.

    Raises:
        DeliveryError: It was not taken; `for_good` when trying again is hopeless.
    """
    await _SENDERS[sink.kind](sink, delivery, http)


async def _webhook(sink: Sink, delivery: Delivery, http: PinnedHttp) -> None:
    body = delivery.payload.encode()
    assert sink.secret_file is not None  # the settings ask for it
    signature = sign_webhook(read_secret(sink.secret_file), body, at=datetime.now(UTC))
    headers = _headers(sink, delivery) | {SIGNATURE_HEADER: signature}
    _taken(await http.send("POST", sink.url, body=body, headers=headers))


async def _message(sink: Sink, delivery: Delivery, http: PinnedHttp) -> None:
    body = delivery.payload.encode()
    _taken(await http.send("POST", sink.url, body=body, headers=_headers(sink, delivery)))


async def _servicenow(sink: Sink, delivery: Delivery, http: PinnedHttp) -> None:
    query = {"sysparm_query": f"correlation_id={delivery.effect_key}", "sysparm_limit": "1"}
    await _create_once(sink, delivery, http, f"{sink.url}?{urlencode(query)}", "result")


async def _jira(sink: Sink, delivery: Delivery, http: PinnedHttp) -> None:
    query = urlencode({"jql": f'labels = "{jira_label(delivery.effect_key)}"', "maxResults": "1"})
    search = f"{sink.url.removesuffix('/').removesuffix('/issue')}/search?{query}"
    await _create_once(sink, delivery, http, search, "issues")


async def _create_once(
    sink: Sink, delivery: Delivery, http: PinnedHttp, search: str, found: str
) -> None:
    """Create a record, unless an earlier try did and its answer was lost."""
    headers = _headers(sink, delivery)
    if delivery.attempts > 1:
        there = _json(_taken(await http.send("GET", search, headers=headers)))
        if isinstance(there, dict) and there.get(found):
            return
    body = delivery.payload.encode()
    _taken(await http.send("POST", sink.url, body=body, headers=headers))


async def _tmf642_alarm(sink: Sink, delivery: Delivery, http: PinnedHttp) -> None:
    """Patch the raised alarms of the object that is the cause; setting fields again is harmless."""
    patch = json.loads(delivery.payload)
    base = sink.url.removesuffix("/")
    query = urlencode(
        {"alarmedObject.id": patch["alarmedObject"]["id"], "state": "raised", "fields": "id"}
    )
    headers = _headers(sink, delivery)
    alarms = _json(_taken(await http.send("GET", f"{base}/alarm?{query}", headers=headers)))
    ids = [alarm["id"] for alarm in alarms if isinstance(alarm, dict) and alarm.get("id")]
    if not ids:
        raise DeliveryError("the alarm system has no raised alarm of that object", for_good=True)
    headers["Content-Type"] = "application/merge-patch+json"
    for alarm_id in ids[:_MOST_ALARMS]:
        url = f"{base}/alarm/{quote(str(alarm_id), safe='')}"
        body = delivery.payload.encode()
        _taken(await http.send("PATCH", url, body=body, headers=headers))


async def _email(sink: Sink, delivery: Delivery, _http: PinnedHttp) -> None:
    password = None if sink.token_file is None else read_secret(sink.token_file).decode()
    await send_email(sink, delivery, password)


async def _sns(sink: Sink, delivery: Delivery, _http: PinnedHttp) -> None:
    await publish(sink, delivery)


_SENDERS: Mapping[SinkKind, Sender] = {
    "webhook": _webhook,
    "slack": _message,
    "teams": _message,
    "servicenow": _servicenow,
    "jira": _jira,
    "tmf642_alarm": _tmf642_alarm,
    "email": _email,
    "sns": _sns,
}


def _headers(sink: Sink, delivery: Delivery) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        KEY_HEADER: delivery.effect_key,
    }
    if sink.token_file is not None:
        token = read_secret(sink.token_file)
        kind = "Basic" if b":" in token else "Bearer"
        shown = base64.b64encode(token).decode() if kind == "Basic" else token.decode()
        headers["Authorization"] = f"{kind} {shown}"
    return headers


def _taken(answer: Answer) -> Answer:
    """Pass on an answer that means success.

    Raises:
        DeliveryError: It means something else; what the other end would refuse again is hopeless.
    """
    if 200 <= answer.status < 300:
        return answer
    if 300 <= answer.status < 400:
        raise DeliveryError(f"answered {answer.status}: redirects are not followed", for_good=True)
    hopeless = 400 <= answer.status < 500 and answer.status not in {401, 403, 404, 408, 425, 429}
    raise DeliveryError(f"answered {answer.status}", for_good=hopeless)


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError as exc:
        raise DeliveryError("the answer is no JSON") from exc

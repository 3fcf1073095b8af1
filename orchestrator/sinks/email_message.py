"""The report as an e-mail, over SMTP with TLS."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urlsplit

from orchestrator.incidents.outbox import Delivery
from orchestrator.service_settings import LOOPBACK, Sink
from orchestrator.sinks.pinned_http import DeliveryError, checked, resolve

_TIMEOUT_S = 20.0


async def send_email(sink: Sink, delivery: Delivery, password: str | None) -> None:
    """Send a delivery; its `Message-ID` is its key, so that mailboxes show it once.

    Raises:
        DeliveryError: The server was not reached or did not take it.
    """
    at = urlsplit(sink.url)
    host, secure = at.hostname or "", at.scheme == "smtps"
    port = at.port or (465 if secure else 587)
    address = checked(host, await resolve(host, port))
    try:
        await asyncio.to_thread(
            _hand_over, _message(sink, delivery), sink, password, (host, address, port)
        )
    except (OSError, smtplib.SMTPException) as exc:
        raise DeliveryError(f"the mail server did not take it: {type(exc).__name__}") from exc


def _message(sink: Sink, delivery: Delivery) -> EmailMessage:
    content = json.loads(delivery.payload)
    message = EmailMessage()
    message["Message-ID"] = f"<{delivery.effect_key}@tierwise.invalid>"
    message["From"] = sink.sender
    message["To"] = ", ".join(sink.recipients)
    message["Date"] = format_datetime(delivery.created_at)
    message["Subject"] = content["subject"]
    message.set_content(content["text"])
    return message


def _hand_over(
    message: EmailMessage, sink: Sink, password: str | None, where: tuple[str, str, int]
) -> None:
    host, address, port = where
    context = ssl.create_default_context()
    if urlsplit(sink.url).scheme == "smtps":
        server: smtplib.SMTP = _PinnedSmtps(host, context, address, port)
    else:
        server = smtplib.SMTP(address, port, timeout=_TIMEOUT_S)
    with server:
        # The certificate is for the name, while the connection is to the address.
        server._host = host  # type: ignore[attr-defined]
        if urlsplit(sink.url).scheme == "smtp" and host not in LOOPBACK:
            server.starttls(context=context)
        if password is not None:
            server.login(sink.sender or "", password)
        server.send_message(message)


class _PinnedSmtps(smtplib.SMTP_SSL):
    """TLS to an address that was checked, for the name it was found under."""

    def __init__(self, host: str, context: ssl.SSLContext, address: str, port: int) -> None:
        self._name = host
        super().__init__(address, port, timeout=_TIMEOUT_S, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        plain = smtplib.SMTP._get_socket(self, host, port, timeout)  # type: ignore[attr-defined]
        return self.context.wrap_socket(plain, server_hostname=self._name)

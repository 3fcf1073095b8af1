"""The judgements that both halves' `doctor` share."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from telecom.examination import (
    judge_clock,
    judge_expiry,
    judge_token,
    served_certificate_ends,
)
from tests.mcp_servers.test_site_keys_commands import certificate, https, served

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("days", "verdict"), [(-1, "fail"), (1, "fail"), (10, "warn"), (90, "ok")])
def test_a_certificate_is_judged_before_it_ends(days: int, verdict: str) -> None:
    """Issue 12: certificates."""
    check = judge_expiry("certificate", NOW + timedelta(days=days), now=NOW, cure="renew it")
    assert (check.verdict, check.next) == (verdict, "" if verdict == "ok" else "renew it")


def test_a_served_certificate_is_read_and_a_strangers_is_refused(tmp_path: Path) -> None:
    """Issue 12: certificates; an authority that is not trusted is no expiry date."""
    site = served(tmp_path, certificate(tmp_path))
    trusted = ssl.create_default_context(cafile=str(tmp_path / "site.pem"))
    with https(site) as url:
        port = int(url.rpartition(":")[2])
        ends = served_certificate_ends("127.0.0.1", port, trusted, timeout_s=5)
        assert timedelta(0) < ends - datetime.now(UTC) < timedelta(hours=1)
        with pytest.raises(ssl.SSLError):
            served_certificate_ends("127.0.0.1", port, ssl.create_default_context(), timeout_s=5)


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.e30x.c", "a.W10.c"])
def test_what_says_nothing_of_itself_is_not_checked(token: str) -> None:
    """Issue 12: honest where it cannot tell; no answer is made up."""
    judged = judge_token("token", token, frozenset(), now=NOW, cure="")
    assert judged.verdict == "not checked"
    assert judge_clock("clock", None, now=NOW).verdict == "not checked"
    assert judge_clock("clock", "yesterday", now=NOW).verdict == "not checked"

"""The token estimate stays near a real tokenizer's count without having one."""

from __future__ import annotations

import pytest

from telecom.tokens import estimate_tokens

COUNTED = [
    (
        "RP/0/RP0/CPU0:Mar  1 10:05:25.100 : bgp[1050]: %ROUTING-BGP-5-ADJCHANGE : neighbor "
        "10.0.12.2 Down - BGP Notification received, hold time expired (VRF: default) (AS: 65001)",
        74,
    ),
    (
        "<188>Jul 11 2026 07:39:42+02:00 mag7-north %%01IFNET/4/IF_STATE(l)[17601]:Interface "
        "100GE0/1/1 has turned into DOWN state.",
        52,
    ),
    (
        '{"alarmId":"CORE-34317617","managedObject":"amf1-north","perceivedSeverity":"MAJOR",'
        '"probableCause":"softwareProgramAbnormallyTerminated","alarmRaisedTime":'
        '"2026-07-11T05:22:00.877Z","additionalText":"ngap-worker ended with signal 11"}',
        69,
    ),
    (
        "1.3.6.1.6.3.1.1.5.3 linkDown ifIndex.501 = 501 ifAdminStatus.501 = up(1) "
        "ifOperStatus.501 = down(2) enterprise 1.3.6.1.4.1.6527.3.1.3.2",
        72,
    ),
    (
        "interface GigabitEthernet0/0/1\n description to pe2\n ip address 10.0.12.1 "
        "255.255.255.252\n bfd interval 150 min_rx 150 multiplier 3\n no shutdown\n",
        51,
    ),
    (
        "The operator cleared the sessions on the wrong router, and every neighbour lost its "
        "routes until the sessions came back two minutes later.",
        25,
    ),
]
"""Texts of the kinds a site holds, with their count by o200k_base."""


@pytest.mark.parametrize(("text", "tokens"), COUNTED)
def test_the_estimate_is_near_the_count_of_a_real_tokenizer(text, tokens) -> None:
    """Issue 5: within 10 % on alarm, log and JSON text; a single line may be a little off."""
    assert estimate_tokens(text) == pytest.approx(tokens, rel=0.10)


def test_the_estimate_of_a_whole_log_is_within_a_tenth() -> None:
    """Issue 5: characters / 4 is wrong by up to half."""
    logs = COUNTED[:5]
    text = "\n".join(text for text, _ in logs)
    assert estimate_tokens(text) == pytest.approx(sum(n for _, n in logs) + 4, rel=0.10)


def test_an_empty_text_has_no_tokens() -> None:
    """Us: a window without records costs nothing."""
    assert estimate_tokens("") == 0

"""Staff in device logs: who logged in or committed is a person; shared accounts are not."""

from __future__ import annotations

import pytest

from telecom.identifiers import DetectorSettings, IdentifierDetector

DETECTOR = IdentifierDetector(DetectorSettings())


@pytest.mark.parametrize(
    ("line", "login"),
    [
        ("%MGBL-CONFIG-6-DB_COMMIT : Configuration committed by user 'mkeller'. Use", "mkeller"),
        ("UI_COMMIT: User 'mkeller' requested 'commit' operation", "mkeller"),
        ("User mkeller from 192.0.2.5 logged in", "mkeller"),
        ("%SYS-5-CONFIG_I: Configured from console by mkeller on vty0", "mkeller"),
        ("Accepted publickey for mkeller from 192.0.2.5 port 57967 ssh2", "mkeller"),
        ("Sessions are back. Informed customer care. /mkeller", "mkeller"),
    ],
)
def test_a_login_that_names_a_person_is_found(line: str, login: str) -> None:
    """GDPR art. 4(1): whoever works for the operator is a person, too."""
    assert [found.value for found in DETECTOR.find(line)] == [login]


@pytest.mark.parametrize(
    "line",
    [
        "Successfully authenticated user 'admin' from '192.0.2.5' on 'vty0'",
        "neighbor 192.0.2.9 Down - User clear requested (CEASE notification sent)",
        "user plane traffic from upf1 logged",
        "the user reported from home that calls drop",
        "written to /var/log/messages. /boot/grub.cfg was not touched",
    ],
)
def test_shared_accounts_and_ordinary_words_stay(line: str) -> None:
    """Issue: precision measured; evidence has to stay readable."""
    assert DETECTOR.find(line) == []

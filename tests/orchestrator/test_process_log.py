"""What a process of the cloud half writes to its log about an exception."""

from __future__ import annotations

import logging

from pydantic import BaseModel, ValidationError

from orchestrator.commands.command_line import quiet_logs

SECRET = "call Erika on +49 151 23456789"


class _Form(BaseModel):
    number: int


def _breaks():
    try:
        _Form.model_validate({"number": SECRET})
    except ValidationError as exc:
        raise LookupError(SECRET) from exc


def test_a_log_says_where_something_broke_and_never_what_it_said(capsys, monkeypatch):
    """STYLE, 6: no raw alarm text and no identifier in a log, on any level; a library quotes it."""
    with monkeypatch.context() as a_process_of_its_own:
        a_process_of_its_own.setattr(logging.getLogger(), "handlers", [])
        quiet_logs()
        try:
            _breaks()
        except LookupError as exc:
            logging.getLogger("orchestrator.console").exception("answering a question broke")
            logging.getLogger("nicegui").error(
                "a page broke", exc_info=ExceptionGroup(SECRET, [exc])
            )
    told = capsys.readouterr().err
    assert "Erika" not in told
    assert "23456789" not in told
    assert told.count("in _breaks") == 4  # twice, each with its cause
    first = told.split("nicegui")[0].splitlines()
    assert [line for line in first if not line.startswith(" ")] == [
        "orchestrator.console: answering a question broke",
        "ValidationError",
        "LookupError",
    ]

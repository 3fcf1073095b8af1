"""A question is masked by the site where one is at hand, and refused where none is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestrator.peoples_words import without_identifiers
from orchestrator.settings import SiteDeclaration
from telecom.errors import InvalidArgumentError

QUESTION = "Why does IMSI 262011234567890 of Edda Falkner drop?"
MASKED = "Why does IMSI SUBSCRIBER_k3f9x2mq7abc of PERSON_a2b3c4d5e6f7 drop?"


@dataclass
class Words:
    """A site's `/pseudonymize`."""

    status: int = 200
    answer: Any = field(default_factory=lambda: {"text": MASKED, "form": "pseudonymized"})
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def words() -> Iterator[Words]:
    known = Words()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.asked.append((self.path, self.headers["Authorization"], json.loads(body)))
            answer = json.dumps(known.answer).encode()
            self.send_response(known.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    yield known
    server.shutdown()
    server.server_close()
    thread.join(5)


def site(url: str, tmp_path: Path) -> SiteDeclaration:
    (tmp_path / "token").write_text("jwt\n")
    return SiteDeclaration(name="core", url=url, token_file=tmp_path / "token")


def test_the_served_site_masks_the_question_with_what_only_it_knows(
    words: Words, tmp_path: Path
) -> None:
    """DESIGN section 4, people's words: the site masks them before the cloud half keeps them."""
    assert without_identifiers(QUESTION, site_dir=None, site=site(words.url, tmp_path)) == MASKED
    assert words.asked == [("/pseudonymize", "Bearer jwt", {"text": QUESTION})]


@pytest.mark.parametrize(
    ("status", "answer"), [(503, {}), (200, []), (200, {"text": 5}), (401, {"text": "no"})]
)
def test_with_the_site_out_of_reach_an_identifier_is_refused_and_other_words_pass(
    words: Words, tmp_path: Path, status: int, answer: Any
) -> None:
    """DESIGN section 4: refused where the shared detector finds one."""
    words.status, words.answer = status, answer
    there = site(words.url, tmp_path)
    with pytest.raises(InvalidArgumentError, match="SUBSCRIBER"):
        without_identifiers(QUESTION, site_dir=None, site=there)
    plain = "Why are the cells down?"
    assert without_identifiers(plain, site_dir=None, site=there) == plain

"""A Chroma server: the knowledge base outlives its index."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rag.embedding import OnnxEmbedder
from rag.knowledge_base import KnowledgeBase
from rag.vector_index import ChromaServer
from telecom.errors import StoreDamagedError


class _Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def sick_server() -> Iterator[str]:
    """Something that answers at the server's address and is not well."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_without_its_server_the_search_goes_on_by_words_and_says_so(
    site: Path, embedder: OnnxEmbedder, sick_server: str
) -> None:
    """Issue 6: Chroma server by URL; missing index: red health, lexical search goes on."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for url in (nobody, sick_server):
        server = ChromaServer(url, "site")
        with KnowledgeBase.open(site / "store", embedder, server=server) as base:
            with pytest.raises(StoreDamagedError, match="does not serve"):
                base.ingest_tickets(site / "tickets")
            assert [hit.source for hit in base.search("INC0003")] == ["INC0003", "INC0005"]
            health = base.health()
            assert not health.dense
            assert url in str(health.problem)
            assert health.corpora["tickets"].pending == 9

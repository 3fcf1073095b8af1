"""Prompt caching as the service bills it: what stands before a cache point is read or written."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator

from orchestrator.doubles.converse_rules import JsonObject
from telecom.tokens import estimate_tokens

SMALLEST = 1_024
"""Tokens below which a prefix is not cached (the models of 2026 ask for 1,024 to 4,096)."""


class PromptCache:
    """Remembers the prefixes of requests; nothing expires within the life of a double."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def bill(self, body: JsonObject) -> tuple[int, int]:
        """Tokens read from the cache and written to it by one request."""
        prefixes = [(tokens, key) for tokens, key in _prefixes(body) if tokens >= SMALLEST]
        with self._lock:
            read = max((tokens for tokens, key in prefixes if key in self._seen), default=0)
            self._seen.update(key for _, key in prefixes)
        longest = max((tokens for tokens, _ in prefixes), default=0)
        return read, longest - read


def _prefixes(body: JsonObject) -> Iterator[tuple[int, str]]:
    """What stands before each cache point, tools first, as tokens and digest."""
    digest, tokens = hashlib.sha256(), 0
    messages = [block for message in body.get("messages", []) for block in message["content"]]
    tools = body.get("toolConfig", {}).get("tools", [])
    for block in (*tools, *body.get("system", []), *messages):
        if "cachePoint" in block:
            yield tokens, digest.hexdigest()
            continue
        text = json.dumps(block, sort_keys=True)
        digest.update(text.encode())
        tokens += estimate_tokens(text)

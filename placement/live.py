"""A policy that follows its files: reloaded whole, or not at all.

A new version takes effect when all of it validates. Otherwise the last good one stays and `status`
says so; without any good one, nothing is permitted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.policy import ClosedPolicy, Policy, load_policy
from placement.rules import REFERENCE_RULES
from telecom.errors import PolicyError
from telecom.schema import ProductModel

log = logging.getLogger(__name__)

PolicyLoader = Callable[[Path | None, Path | None], Policy]
_Signature = tuple[tuple[int, int, int] | None, ...]


class PolicyStatus(ProductModel):
    """Which policy is in force, for readiness probes and `doctor`."""

    state: Literal["current", "last_good", "closed"]
    """`last_good`: the files are broken, an earlier version decides. `closed`: none ever loaded."""
    policy_sha256: str
    catalogue_sha256: str
    loaded_at: datetime | None
    """When the policy in force was loaded; None when closed."""
    problems: tuple[str, ...] = ()
    """What is wrong with the files as they are now."""

    @property
    def ready(self) -> bool:
        """Whether the files as they are decide."""
        return self.state == "current"


class LivePolicy:
    """The policy of two files that may change at any time."""

    def __init__(
        self,
        catalogue: Path | None = None,
        rules: Path | None = None,
        *,
        load: PolicyLoader = load_policy,
    ) -> None:
        """Load what is there; a broken policy is closed, not an error.

        Args:
            catalogue: None is the shipped reference, as for the rules.
            rules: The Cedar file.
            load: Reads both, and refuses what it does not like with a `PolicyError`.
        """
        self._catalogue, self._rules = catalogue, rules
        self._load = load
        self._lock = threading.Lock()
        self._signature: _Signature | None = None
        self._policy: Policy | None = None
        self._error: PolicyError | None = None
        self._loaded_at: datetime | None = None
        self._closed: ClosedPolicy | None = None
        self.current()

    def follow(self, catalogue: Path | None, rules: Path | None) -> None:
        """Decide by other files from now on; the last good policy stays if they do not load."""
        with self._lock:
            self._catalogue, self._rules = catalogue, rules
            self._signature = None

    def current(self) -> Policy:
        """The policy in force, after a look at the files."""
        with self._lock:
            signature = (
                _sign(self._catalogue or REFERENCE_CATALOGUE),
                _sign(self._rules or REFERENCE_RULES),
            )
            if signature != self._signature:
                # Signed before it is read: a change while reading is seen at the next call.
                self._signature = signature
                self._reload()
            if self._policy is not None:
                return self._policy
            assert self._error is not None
            if self._closed is None:
                self._closed = ClosedPolicy(self._error)
            return self._closed

    @property
    def status(self) -> PolicyStatus:
        """Which policy is in force and what is wrong with the files, after a look at them."""
        policy = self.current()
        closed = self._policy is None
        return PolicyStatus(
            state="closed" if closed else "last_good" if self._error is not None else "current",
            policy_sha256=policy.policy_sha256,
            catalogue_sha256=policy.catalogue_sha256,
            loaded_at=self._loaded_at,
            problems=()
            if self._error is None
            else tuple(str(problem) for problem in self._error.problems),
        )

    def _reload(self) -> None:
        try:
            policy = self._load(self._catalogue, self._rules)
        except PolicyError as exc:
            self._error, self._closed = exc, None
            log.error(
                "policy not reloaded",
                extra={
                    "problems": [str(problem) for problem in exc.problems],
                    "in_force": None if self._policy is None else self._policy.policy_sha256,
                },
            )
            return
        self._policy, self._error, self._closed = policy, None, None
        self._loaded_at = datetime.now(UTC)
        log.info(
            "policy loaded",
            extra={
                "policy_sha256": policy.policy_sha256,
                "catalogue_sha256": policy.catalogue_sha256,
            },
        )


def _sign(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

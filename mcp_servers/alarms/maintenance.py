"""`MaintenancePlan`: which alarms are the expected noise of planned work."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from re import IGNORECASE, Pattern
from re import compile as compile_pattern

from mcp_servers.site_directory import MaintenanceWindow, SiteDirectory
from telecom.times import parse_instant


@dataclass(frozen=True, slots=True)
class _Work:
    begin: float
    end: float
    objects: tuple[Pattern[str], ...]


class MaintenancePlan:
    """The maintenance windows of a site."""

    def __init__(self, works: tuple[_Work, ...]) -> None:
        self._works = works
        self._concerns = lru_cache(maxsize=16_384)(self._works_of)

    @classmethod
    def of(cls, site: SiteDirectory) -> MaintenancePlan:
        """Read `alarms.maintenance` of `site.yaml`.

        Raises:
            InvalidArgumentError: A time is not ISO 8601.
        """

        def work(window: MaintenanceWindow) -> _Work:
            begin, end = (
                parse_instant(text, zone=site.timezone, argument="alarms.maintenance").timestamp()
                for text in (window.begin, window.end)
            )
            patterns = (compile_pattern(translate(name), IGNORECASE) for name in window.objects)
            return _Work(begin, end, tuple(patterns))

        return cls(tuple(work(window) for window in site.settings.alarms.maintenance))

    def covers(self, managed_object: str, time: float) -> bool:
        """Whether an object (or its device) is being worked on at a time, in seconds."""
        if not self._works:
            return False
        return any(work.begin <= time <= work.end for work in self._concerns(managed_object))

    def _works_of(self, managed_object: str) -> tuple[_Work, ...]:
        names = {managed_object, managed_object.partition(":")[0]}
        return tuple(
            work
            for work in self._works
            if any(pattern.fullmatch(name) for pattern in work.objects for name in names)
        )

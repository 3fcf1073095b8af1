"""How each vendor's routers write their log lines: headers as code, messages as data.

One YAML file per dialect: `messages` maps an event to severity, program and text, `reasons` maps
`event.reason` to the vendor's words. A vendor without an entry for an event does not log it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from mcp_servers.sample_site.dialects.headers import HEADERS
from mcp_servers.sample_site.dialects.lines import Message, SyslogDialect
from mcp_servers.sample_site.network import Dialect


@cache
def syslog_dialect(dialect: Dialect) -> SyslogDialect:
    """How a vendor's routers write."""
    text = files(__package__).joinpath(f"{dialect.value}.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    return SyslogDialect(
        header=HEADERS[dialect],
        messages={name: Message(*cells) for name, cells in content["messages"].items()},
        reasons=content["reasons"],
    )

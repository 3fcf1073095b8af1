"""`python -m mcp_servers` is `tierwise-site`."""

from mcp_servers.cli import main

main()

"""The orchestrator as an MCP server: another agent asks for a root cause in one call."""

"""Tools over MCP: declarations, the gate as middleware, HTTP and stdio, who is calling."""

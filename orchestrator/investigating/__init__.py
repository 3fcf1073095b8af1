"""One investigation: from a scope to a report, each delegation placed before it is made."""

"""What the orchestrator keeps: one state, on SQLite or PostgreSQL."""

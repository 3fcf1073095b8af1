"""Trigger intake: who reports trouble, and how little of it is kept."""

"""Talking about an incident: questions, answers, and what is kept of both."""

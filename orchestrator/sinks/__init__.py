"""Sinks: where the report of an investigation goes, by code and never by a model."""

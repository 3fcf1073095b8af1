"""Incidents on their way: accepted, leased to a worker, investigated once, told to the sinks."""

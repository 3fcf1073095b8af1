"""Measuring: latency, cost, accuracy, and the request of a tuning job."""

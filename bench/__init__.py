"""Benchmarks: each module measures one part and states its limit as a ratio where it can."""

"""Shipped doubles of services: real HTTP on loopback, for anybody's tests."""

"""Measures this wallet service, or another one, with its costs and its invariants.

`make bench`; docs/performance.md explains how to run, how to read, and how to add a service.
"""

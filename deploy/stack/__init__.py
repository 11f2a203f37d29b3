"""Installs and runs the real parts (MySQL twice, Redis, Kafka) on a machine without containers.

Standard library only: these modules run before any virtual environment exists.
"""

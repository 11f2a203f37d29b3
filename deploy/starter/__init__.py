"""Starts the service's processes under one roof: what `make run` and `make stack-run` share.

Runs inside the virtual environment but without Django: settings are read by the children.
"""

"""The back office as people use it: in a real browser, over the service that `make run` starts."""

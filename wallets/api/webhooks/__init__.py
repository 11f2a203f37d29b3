"""Webhook endpoints over HTTP: where a client's own servers are told of events."""

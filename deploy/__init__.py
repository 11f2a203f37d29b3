"""How the service is started and shipped; imported by nothing that serves requests."""

"""The service on its real parts: MySQL twice, Redis and Kafka, as `deploy.stack` runs them."""

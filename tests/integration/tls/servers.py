"""One more MySQL, Redis and Kafka of the stack's software, who speak to nobody without TLS."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from deploy.stack import artefacts, kafka, mysql, packages, redis
from deploy.stack.layout import KAFKA, LOOPBACK, PRIMARY, REDIS, Home, load_secrets, write_public
from deploy.stack.processes import Command, run_step, spawn, wait_ready
from tests.integration.tls.authority import Authority

START_SECONDS = 60.0
KAFKA_USER = "wallet"
KAFKA_PASSWORD = "only-for-a-test"

_KAFKA = """
listener.name.clients.ssl.keystore.type=PEM
listener.name.clients.ssl.keystore.location={store}
listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.clients.scram-sha-512.sasl.jaas.config={scram} required;
listener.name.clients.scram-sha-256.sasl.jaas.config={scram} required;
listener.name.clients.plain.sasl.jaas.config={plain} required user_{user}="{password}";
"""
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def stack() -> Home:
    """Return the stack whose software is used; this run's own."""
    return Home(Path(os.environ["STACK_HOME"]))


def start_mysql(home: Home, port: int, authority: Authority) -> None:
    """Start a server that refuses whoever comes without TLS."""
    software = artefacts.database_software(stack())
    command = mysql.prepare(home, PRIMARY, port, software, load_secrets(home))
    certificate, key = authority.issue("mysql")
    options = home.part(PRIMARY) / "my.cnf"
    text = options.read_text(encoding="utf-8").replace(
        "buffer_pool_size = 256M", "buffer_pool_size = 32M"
    )
    text += (
        f"require_secure_transport = ON\nssl_ca = {authority.certificate}\n"
        f"ssl_cert = {certificate}\nssl_key = {key}\n"
    )
    write_public(options, text)
    _start(home, PRIMARY, command, lambda: mysql.answers(port))


def start_redis(home: Home, port: int, authority: Authority) -> None:
    """Start a server that speaks TLS alone, and asks its clients for a certificate."""
    command = redis.prepare(home, port)
    certificate, key = authority.issue("redis")
    options = home.part(REDIS) / "redis.conf"
    text = options.read_text(encoding="utf-8").replace(
        f"port {port}\n", f"port 0\ntls-port {port}\n"
    )
    text += (
        f"tls-cert-file {certificate}\ntls-key-file {key}\n"
        f"tls-ca-cert-file {authority.certificate}\ntls-auth-clients yes\n"
    )
    write_public(options, text)
    _start(home, REDIS, command, lambda: _listens(port))


def start_kafka(home: Home, port: int, inner: tuple[int, int], authority: Authority) -> None:
    """Start a broker whose door for clients is SASL_SSL; its inner doors are for itself."""
    certificate, key = authority.issue("kafka")
    folder = home.part(KAFKA)
    folder.mkdir()
    store = folder / "store.pem"
    store.write_bytes(key.read_bytes() + certificate.read_bytes())
    software, java = artefacts.kafka_folder(stack()), packages.require_java()
    between, controller = inner
    text = kafka.CONFIGURATION.format(
        host=LOOPBACK,
        port=between,
        side=port,
        proxy=port,
        controller=controller,
        folder=folder,
    )
    text = text.replace("SIDE://", "CLIENTS://").replace("SIDE:PLAINTEXT", "CLIENTS:SASL_SSL")
    text += _KAFKA.format(
        store=store, scram=_SCRAM, plain=_PLAIN, user=KAFKA_USER, password=KAFKA_PASSWORD
    )
    settings = folder / "server.properties"
    write_public(settings, text)
    users = [
        word
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for word in (
            "--add-scram",
            f"{mechanism}=[name={KAFKA_USER},password={KAFKA_PASSWORD}]",
        )
    ]
    words = ("format", "--cluster-id", "dGhyb3dhd2F5LWNsdXN0ZQ", "--config", str(settings), *users)
    run_step(home, KAFKA, kafka.java_command(software, java, "kafka.tools.StorageTool", *words))
    command = kafka.java_command(software, java, "kafka.Kafka", str(settings))
    _start(home, KAFKA, command, lambda: kafka.answers(between))


def _start(home: Home, name: str, command: Command, ready: Callable[[], bool]) -> None:
    spawn(home, name, command)
    wait_ready(home, name, ready, START_SECONDS)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1.0).close()
    except OSError:
        time.sleep(0.05)
        return False
    return True

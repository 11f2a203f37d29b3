"""Formats, configures and probes a Kafka broker that is its own controller (KRaft)."""

from __future__ import annotations

import base64
import socket
import struct
import uuid
from pathlib import Path

from deploy.stack.layout import (
    KAFKA,
    KAFKA_CONTROLLER,
    KAFKA_PROXY,
    KAFKA_SIDE,
    LOOPBACK,
    Home,
    write_public,
)
from deploy.stack.processes import Command, run_step, say

HERE = Path(__file__).resolve().parent
PROBE_TIMEOUT = 1.0
METADATA_API, METADATA_VERSION = 3, 1

CONFIGURATION = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},SIDE://{host}:{side},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},SIDE://{host}:{proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SIDE:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
num.partitions=12
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# One broker on a small machine: fewer inner partitions, smaller index files, no idle wait.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
log.index.size.max.bytes=1048576
log.segment.bytes=134217728
group.initial.rebalance.delay.ms=0
# A broker that was killed may come back only when its last session has run out.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


def java_command(software: Path, java: str, main: str, *arguments: str) -> Command:
    """Return the command that runs one of Kafka's programs."""
    return Command(
        [
            java,
            "-Xms128m",
            "-Xmx384m",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={HERE / 'kafka-log4j2.xml'}",
            "-cp",
            f"{software}/*",
            main,
            *arguments,
        ]
    )


def prepare(home: Home, software: Path, java: str, ports: dict[str, int]) -> Command:
    """Write the configuration, format the storage once, and return the starting command."""
    folder = home.part(KAFKA)
    folder.mkdir(exist_ok=True)
    settings = folder / "server.properties"
    write_public(
        settings,
        CONFIGURATION.format(
            host=LOOPBACK,
            port=ports[KAFKA],
            side=ports[KAFKA_SIDE],
            proxy=ports[KAFKA_PROXY],
            controller=ports[KAFKA_CONTROLLER],
            folder=folder,
        ),
    )
    # The formatter writes this file last, so a format that was cut short is done again.
    if not (folder / "data" / "meta.properties").exists():
        say("kafka: formatting the storage")
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        words = ("format", "--cluster-id", cluster, "--config", str(settings))
        run_step(home, KAFKA, java_command(software, java, "kafka.tools.StorageTool", *words))
    return java_command(software, java, "kafka.Kafka", str(settings))


def answers(port: int) -> bool:
    """Tell whether the broker answers a metadata request and counts itself among the brokers."""
    # Header: api, version, correlation id, client id; body: an empty list of topics.
    request = struct.pack(">hhih", METADATA_API, METADATA_VERSION, 1, -1) + struct.pack(">i", 0)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=PROBE_TIMEOUT) as probe:
            probe.sendall(struct.pack(">i", len(request)) + request)
            with probe.makefile("rb") as answer:
                head = answer.read(12)
    except OSError:
        return False
    if len(head) < 12:
        return False
    _size, _correlation, brokers = struct.unpack(">iii", head)
    return bool(brokers > 0)

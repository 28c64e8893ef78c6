"""Which address is which service: the manifest's word first, then the usual ports and drivers.

This module imports nothing of pytest.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple


class Kind(NamedTuple):
    """A kind of service: the names are those of models/services.toml, a test compares them."""

    names: Tuple[str, ...]
    ports: Tuple[int, ...]
    programs: Tuple[str, ...] = ()
    # Mostly somewhere else: what listens on its port is taken for one only where the manifest declares one.
    hosted: bool = False


KINDS: Tuple[Kind, ...] = (
    Kind(
        ("postgres", "postgresql", "pg", "postgis", "pgvector", "timescaledb", "pgsql"),
        (5432,),
        ("psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_isready", "createdb", "dropdb", "createuser", "vacuumdb"),
    ),
    Kind(
        ("mysql", "mariadb", "percona"),
        (3306,),
        ("mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mariadb-admin"),
    ),
    Kind(("redis", "valkey", "keydb", "dragonfly"), (6379,), ("redis-cli", "valkey-cli")),
    Kind(("memcached",), (11211,)),
    Kind(("elasticsearch", "elastic", "es"), (9200, 9300)),
    Kind(("opensearch",), (9200, 9300)),
    Kind(("solr",), (8983,)),
    Kind(("mongo", "mongodb"), (27017,), ("mongo", "mongosh", "mongodump", "mongorestore")),
    Kind(("rabbitmq",), (5672, 5671), ("rabbitmqctl",)),
    Kind(("kafka", "redpanda", "cp-kafka"), (9092, 19092)),
    Kind(("nats",), (4222,)),
    Kind(("minio", "s3"), (9000,)),
    Kind(("clickhouse", "clickhouse-server"), (8123, 9440), ("clickhouse-client",)),
    Kind(("cassandra", "scylla"), (9042,), ("cqlsh",)),
    Kind(("neo4j",), (7687, 7474)),
    Kind(("localstack",), (4566,)),
    Kind(("mssql", "sqlserver", "azure-sql-edge"), (1433,), ("sqlcmd",)),
    Kind(("etcd",), (2379,), ("etcdctl",)),
    Kind(("influxdb",), (8086,)),
    Kind(("qdrant",), (6333, 6334)),
    Kind(("oracledb", "oracle-free", "oracle-xe"), (1521,), ("sqlplus",)),
    Kind(("couchdb",), (5984,)),
    Kind(("zookeeper",), (2181,)),
    Kind(("pulsar",), (6650,), hosted=True),
    Kind(("milvus",), (19530,)),
    Kind(("arangodb",), (8529,)),
    Kind(("mosquitto", "eclipse-mosquitto", "mqtt"), (1883,), hosted=True),
    Kind(("weaviate",), (8080, 50051), hosted=True),
    Kind(("meilisearch",), (7700,), hosted=True),
    Kind(("typesense",), (8108,), hosted=True),
    Kind(("vault",), (8200,), hosted=True),
    Kind(("consul",), (8500,), hosted=True),
    Kind(("gcs", "fake-gcs-server"), (4443,), hosted=True),
    Kind(("pubsub", "pubsub-emulator"), (8085, 8681), hosted=True),
    Kind(("firestore", "firestore-emulator"), (8080,), hosted=True),
    Kind(("azurite",), (10000, 10001, 10002), hosted=True),
    Kind(("selenium", "standalone-chrome", "standalone-firefox"), (4444,)),
)


class Declared(NamedTuple):
    """A service of the manifest."""

    name: str
    addresses: Tuple[str, ...]
    kinds: Tuple[Kind, ...]


def kinds_of(name: str, image: Optional[str]) -> Tuple[Kind, ...]:
    last = re.split(r"[:@]", (image or "").rsplit("/", 1)[-1])[0]
    return tuple(kind for kind in KINDS if name.lower() in kind.names or last.lower() in kind.names)


class AddressBook:
    """What the manifest says about addresses."""

    def __init__(self, manifest: Optional[Dict[str, Any]]):
        self.has_manifest = manifest is not None
        self.declared: List[Declared] = []
        for name, table in sorted((manifest or {}).get("services", {}).items()):
            addresses = tuple(str(address) for address in table.get("addresses", ()))
            self.declared.append(Declared(name, addresses, kinds_of(name, table.get("image"))))

    @classmethod
    def read(cls, path: Optional[Path]) -> "AddressBook":
        if path is None:
            return cls(None)
        from .rule import tomllib

        return cls(tomllib.loads(path.read_text(encoding="utf-8")))

    def services(self, address: str, driver: Optional[str]) -> List[str]:
        """Returns the services that an address may be, by name; `driver` is the first name of a kind that the
        library which connects is made for."""
        named = [service.name for service in self.declared if any(matches(a, address) for a in service.addresses)]
        if named:
            return named
        if driver is not None:
            kinds = [kind for kind in KINDS if kind.names[0] == driver]
        else:
            port = port_of(address)
            kinds = [kind for kind in KINDS if port in kind.ports]
        # A service whose addresses are known is not at another one.
        found = [
            service.name
            for service in self.declared
            if not service.addresses and any(kind in service.kinds for kind in kinds)
        ]
        if found:
            return found
        known = any(kind in service.kinds for service in self.declared for kind in kinds)
        likely = [kind.names[0] for kind in kinds if not kind.hosted]
        return [] if known else likely[:1]


def matches(pattern: str, address: str) -> bool:
    """Returns whether `host:port`, `host`, `:port` or a path means the address."""
    if pattern.startswith("/"):
        return address == pattern or address.startswith(pattern.rstrip("/") + "/")
    host, _, port = address.rpartition(":")
    wanted_host, separator, wanted_port = pattern.rpartition(":")
    if not separator or not wanted_port.isdigit():
        return same_host(pattern, host)
    return wanted_port == port and (not wanted_host or same_host(wanted_host, host))


LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0")


def same_host(one: str, other: str) -> bool:
    one, other = one.lower().strip("[]"), other.lower().strip("[]")
    return one == other or (one in LOOPBACK and other in LOOPBACK)


def port_of(address: str) -> Optional[int]:
    if address.startswith("/"):
        # PostgreSQL's sockets bear their port: /var/run/postgresql/.s.PGSQL.5432
        found = re.search(r"\.s\.PGSQL\.(\d+)$", address)
        if found:
            return int(found.group(1))
        names = {"mysqld.sock": 3306, "mysql.sock": 3306, "redis.sock": 6379, "redis-server.sock": 6379}
        return names.get(address.rsplit("/", 1)[-1])
    port = address.rpartition(":")[2]
    return int(port) if port.isdigit() else None


def kind_of_program(program: str) -> Optional[str]:
    """Returns the first name of the kind of service that a client program is for."""
    name = program.replace("\\", "/").rsplit("/", 1)[-1]
    for kind in KINDS:
        if name in kind.programs:
            return kind.names[0]
    return None

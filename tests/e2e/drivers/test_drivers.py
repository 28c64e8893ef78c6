"""Every driver tries to reach a port where nobody listens; which one it was is compared with what was observed.

A test's docstring names what the inventory must say: the service, where the driver tells its kind, and the address.
"""

import asyncio
import contextlib

import pytest

CLOSED = 9

refused = contextlib.suppress(Exception)


def waits(attempt):
    async def limited():
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.wait_for(attempt(), 2)

    asyncio.run(limited())


def test_psycopg():
    """postgres 127.0.0.1:9"""
    psycopg = pytest.importorskip("psycopg")
    with refused:
        psycopg.connect("host=127.0.0.1 port=9")


def test_psycopg2():
    """postgres 127.0.0.1:9"""
    psycopg2 = pytest.importorskip("psycopg2")
    with refused:
        psycopg2.connect("postgresql://user@127.0.0.1:9/name")


def test_asyncpg():
    """postgres 127.0.0.1:9"""
    asyncpg = pytest.importorskip("asyncpg")
    waits(lambda: asyncpg.connect(host="127.0.0.1", port=CLOSED))


def test_confluent_kafka():
    """kafka 127.0.0.1:9"""
    confluent_kafka = pytest.importorskip("confluent_kafka")
    with refused:
        confluent_kafka.Producer({"bootstrap.servers": "PLAINTEXT://127.0.0.1:9", "log_level": 0}).list_topics(timeout=0.1)


def test_confluent_kafka_admin():
    """kafka 127.0.0.1:9"""
    admin = pytest.importorskip("confluent_kafka.admin")
    with refused:
        admin.AdminClient({"bootstrap.servers": "127.0.0.1:9", "log_level": 0}).list_topics(timeout=0.1)


def test_grpc():
    """- 127.0.0.1:11"""
    grpc = pytest.importorskip("grpc")
    with grpc.insecure_channel("127.0.0.1:11") as channel, refused:
        grpc.channel_ready_future(channel).result(timeout=0.1)


def test_grpc_aio():
    """- 127.0.0.1:12"""
    aio = pytest.importorskip("grpc.aio")

    async def attempt():
        async with aio.insecure_channel("127.0.0.1:12") as channel:
            await asyncio.wait_for(channel.channel_ready(), 0.1)

    waits(attempt)


def test_valkey_glide():
    """redis 127.0.0.1:9"""
    glide = pytest.importorskip("glide")
    config = glide.GlideClientConfiguration([glide.NodeAddress("127.0.0.1", CLOSED)], request_timeout=100)
    waits(lambda: glide.GlideClient.create(config))


def test_pymssql():
    """mssql 127.0.0.1:9"""
    pymssql = pytest.importorskip("pymssql")
    with refused:
        pymssql.connect(server="127.0.0.1:9", user="u", password="p", login_timeout=1)


def test_pulsar():
    """- 127.0.0.1:13"""
    pulsar = pytest.importorskip("pulsar")
    pulsar.Client("pulsar://127.0.0.1:13").close()


def test_temporal():
    """- 127.0.0.1:14"""
    client = pytest.importorskip("temporalio.client")
    waits(lambda: client.Client.connect("127.0.0.1:14"))


# What follows has no wheel for every machine: modules of the same form stand in where the driver is not installed.


def test_mysqlclient():
    """mysql 127.0.0.1:9"""
    import MySQLdb

    with refused:
        MySQLdb.connect(host="127.0.0.1", port=CLOSED)


def test_mysqlclient_by_its_socket():
    """mysql /run/nobody.sock"""
    import MySQLdb

    with refused:
        MySQLdb.connect("localhost", unix_socket="/run/nobody.sock")


def test_mysql_connector():
    """mysql 127.0.0.1:9"""
    from mysql.connector import connection_cext

    with refused:
        connection_cext.CMySQLConnection(host="127.0.0.1", port=CLOSED)


def test_mariadb():
    """mysql 127.0.0.1:9"""
    import mariadb

    with refused:
        mariadb.connect(host="127.0.0.1", port=CLOSED)


def test_pylibmc():
    """memcached 127.0.0.1:9"""
    import pylibmc

    with refused:
        pylibmc.Client(["127.0.0.1:9"]).get("key")


def test_pyodbc():
    """- 127.0.0.1:15"""
    import pyodbc

    with refused:
        pyodbc.connect("DRIVER={ODBC Driver 18 for SQL Server};SERVER=tcp:127.0.0.1,15;UID=u;PWD=p")

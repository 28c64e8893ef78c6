import asyncio
import os

import asyncpg
import redis.asyncio

PG = int(os.environ["SAMPLE_PG_PORT"])
REDIS = int(os.environ["SAMPLE_REDIS_PORT"])


def test_asyncpg():
    async def ask():
        connection = await asyncpg.connect(host="127.0.0.1", port=PG, user="postgres", database="postgres")
        try:
            return await connection.fetchval("select 3")
        finally:
            await connection.close()

    assert asyncio.run(ask()) == 3


def test_both():
    async def ask():
        client = redis.asyncio.Redis(host="127.0.0.1", port=REDIS)
        connection = await asyncpg.connect(host="127.0.0.1", port=PG, user="postgres", database="postgres")
        try:
            await client.set("both", await connection.fetchval("select 4"))
            return await client.get("both")
        finally:
            await connection.close()
            await client.aclose()

    assert asyncio.run(ask()) == b"4"

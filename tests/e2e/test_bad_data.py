"""What was damaged, or doesn't belong together, is said where it is and what to do about it; nothing is overwritten."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from solana.rpc.async_api import AsyncClient
from solders.keypair import Keypair
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.engine import Engine, body, ended, submit
from tests.e2e.processes import role


def refused(engine: Engine, *, within: float = 60) -> str:
    """What `up` says as it refuses to start."""
    ran = engine.run("up", within=within)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "RuntimeWarning" not in ran.stderr
    said = [line for line in ran.stderr.splitlines() if line.startswith("surefill: ")]
    assert len(said) == 1, ran.stderr
    return said[0]


def pictured(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


async def test_up_refuses_a_log_of_another_chain_in_one_sentence(own_engine: Engine) -> None:
    own_engine.start()
    async with own_engine.client() as client:
        await ended(client, [await submit(client)])
        network = (await client.get("/api/network")).json()
    async with AsyncClient(network["rpcUrl"]) as chain:
        genesis_hash = str((await chain.get_genesis_hash()).value)
    assert own_engine.stop() == 0
    localnet = own_engine.directory / "data" / "localnet"
    localnet.rename(localnet.with_name("kept"))

    assert f"belong to the chain with genesis {genesis_hash}" in refused(own_engine)

    shutil.rmtree(localnet)
    localnet.with_name("kept").rename(localnet)
    own_engine.start()
    async with own_engine.client() as client:
        await ended(client, [await submit(client)])


async def test_up_refuses_a_damaged_journal_in_one_sentence_and_leaves_it_alone(own_engine: Engine) -> None:
    own_engine.start()
    async with own_engine.client() as client:
        await ended(client, [await submit(client) for _ in range(5)])
    assert own_engine.stop() == 0
    localnet = own_engine.directory / "data" / "localnet"
    ledger = localnet / "ledger.sqlite3"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[: len(whole) // 2])
    before = pictured(localnet)

    said = refused(own_engine)

    assert str(ledger) in said
    assert "Nothing was changed: put a copy" in said
    assert pictured(localnet) == before
    ledger.write_bytes(whole)
    own_engine.start()
    async with own_engine.client() as client:
        await ended(client, [await submit(client)])


@contextmanager
def by_hand(engine: Engine) -> Iterator[psycopg.Connection]:
    """A connection as the owner for whom what happened can be changed."""
    with psycopg.connect(engine.addresses()["DATABASE_OWNER_URL"].split("?")[0], autocommit=True) as connection:
        connection.execute("alter table surefill.events disable trigger user")
        yield connection
        connection.execute("alter table surefill.events enable trigger user")


DAMAGE = {
    "its state cut off": "state = substr(state, 1, length(state) / 2)",
    "one byte of its state changed": "state = set_byte(state, 0, 33)",
    "a later version's form": """state = convert_to('{"v":99,"data":{}}', 'utf8')""",
    "no version there was": """state = convert_to('{"v":0,"data":{}}', 'utf8')""",
    "a kind of event from the future": "topic = 'order.OrderBridged'",
    "another event's name": "topic = 'order.OrderRouted'",
    "an account's event": "topic = 'account.TradingHalted'",
}


async def until_ready(engine: Engine) -> None:
    async with asyncio.timeout(30):
        await asyncio.sleep(0.2)
        while not await asyncio.to_thread(engine.ready):
            await asyncio.sleep(0.1)


async def closing(engine: Engine, order_id: str) -> tuple[int, int | None]:
    """How many messages an order's stream gives, and the code it closes with."""
    messages = 0
    async with connect(f"ws://127.0.0.1:{engine.port}/ws/orders/{order_id}") as stream:
        with suppress(ConnectionClosed):
            while True:
                await stream.recv()
                messages += 1
    return messages, stream.close_code


async def test_orders_with_a_damaged_event_are_said_to_be_so_and_their_neighbours_go_on(engine: Engine) -> None:
    cases = [(name, version) for name in DAMAGE for version in (1, 4)]
    terms = {case: body(clientOrderId=secrets.token_hex(8)) for case in cases}
    where = "stream_id = %s and version = %s"
    async with engine.client() as client:
        ids = {case: (await client.post("/api/orders/execute", json=terms[case])).json()["orderId"] for case in cases}
        await ended(client, list(ids.values()))
        with by_hand(engine) as connection:
            query = f"select topic, state, stream_id, version from surefill.events where {where}"
            rows = [connection.execute(query, [ids[case], case[1]]).fetchone() for case in cases]
            for name, version in cases:
                change = f"update surefill.events set {DAMAGE[name]} where {where}"
                connection.execute(change, [ids[name, version], version])
        # What a process has read once, or wrote itself, it tells from memory: this one has to read.
        for process in role(engine.pid, "run core"):
            process.kill()
        await until_ready(engine)
        try:
            for case in cases:
                url, version = f"/api/orders/{ids[case]}", case[1]
                answers = [await client.get(path) for path in (url, f"{url}/events", f"{url}?version=6")]
                if version == 1:
                    answers.append(await client.post("/api/orders/execute", json=terms[case]))
                told = [(answer.status_code, answer.json()["code"]) for answer in answers]
                assert told == [(409, "order_unreadable")] * len(answers), (case, told)
                messages, code = await closing(engine, ids[case])
                assert (messages < version, code) == (True, 1011), case
            listed = await client.get("/api/orders?limit=50")
            assert listed.status_code == 200
            [neighbour] = (await ended(client, [await submit(client)])).values()
            assert neighbour["status"] == "confirmed"
            verdict = engine.run("verify", "--json")
            found = [json.loads(line).get("finding", {}) for line in verdict.stdout.splitlines()]
            named = {(one["streamId"], one["version"]) for one in found if "version" in one}
            assert verdict.returncode == 1, verdict.stdout
            assert {(ids[case], case[1]) for case in cases} <= named
            assert all(one["remedy"] for one in found if one)
        finally:
            with by_hand(engine) as connection:
                for row in rows:
                    assert row
                    connection.execute(f"update surefill.events set topic = %s, state = %s where {where}", row)
    assert "Traceback" not in engine.log()
    assert engine.run("verify").returncode == 0


KEYS = ("wallet.json", "localnet/market.json", "localnet/faucet.json")  # nothing else knows what is in them
WITNESS = "witness"  # cut short it can't vouch for the log: test_log_behind.py
SMALL = 64 * 1024  # bytes


def small_files(data: Path) -> list[Path]:
    """What the engine itself keeps in small files; PostgreSQL's cluster is PostgreSQL's."""
    cluster = data / "postgres-18" / "data"
    return [
        path
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.stat().st_size <= SMALL and not path.is_relative_to(cluster)
    ]


def halved(content: bytes) -> bytes:
    return content[: max(1, len(content) // 2 - 3)]


async def test_up_goes_on_with_every_small_file_empty_or_half_written_but_keys_which_are_one_sentence(
    own_engine: Engine,
) -> None:
    data = own_engine.directory / "data"
    own_engine.start()
    published = (data / "addresses.json").read_text()
    async with own_engine.client() as client:
        [order_id] = await ended(client, [await submit(client)])
    assert own_engine.stop() == 0
    keys = {data / name: (data / name).read_text() for name in KEYS}

    for cut in (lambda content: b"", halved):
        for path, whole in keys.items():
            path.write_bytes(cut(whole.encode()))
            said = refused(own_engine)
            assert str(path) in said and "holds no keypair" in said and "put a copy back" in said
            path.write_text(whole)
        (data / "addresses.json").write_text(published)
        kept = {*keys, data / WITNESS}
        cut_short = [path for path in small_files(data) if path not in kept and path.parent.name != "logs"]
        assert {path.name for path in cut_short} >= {"VERSION", "ports.json", "passwords.json", "password"}
        for path in cut_short:
            path.write_bytes(cut(path.read_bytes()))
        assert own_engine.run("env").stderr.startswith(f"surefill: {data / 'addresses.json'} can't be read: end")

        own_engine.start()

        async with own_engine.client() as client:
            assert (await client.get(f"/api/orders/{order_id}")).json()["status"] == "confirmed"
            [later] = (await ended(client, [await submit(client)])).values()
            assert later["status"] == "confirmed"
        assert own_engine.stop() == 0
    assert "Traceback" not in (own_engine.directory / "up.log").read_text()


async def test_up_takes_a_wallet_in_either_format_and_refuses_one_that_others_can_read(own_engine: Engine) -> None:
    own_engine.directory.joinpath("data").mkdir(mode=0o711)
    wallet = own_engine.directory / "data" / "wallet.json"
    keypair = Keypair()
    for text in (keypair.to_json(), str(keypair)):
        wallet.write_text(text)
        for mode in (0o644, 0o640, 0o660):
            wallet.chmod(mode)
            said = refused(own_engine)
            assert said == f"surefill: the wallet {wallet} is open to other users: chmod 600 it"
        wallet.chmod(0o600)
        own_engine.start()
        async with own_engine.client() as client:
            [order] = (await ended(client, [await submit(client)])).values()
            assert order["status"] == "confirmed"
        assert own_engine.stop() == 0
    own_engine.settings["WALLET_KEYPAIR"] = str(wallet.with_name("walet.json"))
    assert refused(own_engine).startswith(
        f"surefill: WALLET_KEYPAIR names {wallet.with_name('walet.json')}, where noth"
    )
    assert not wallet.with_name("walet.json").exists()
    del own_engine.settings["WALLET_KEYPAIR"]
    own_engine.settings |= {"JITO_URL": "http://127.0.0.1:1", "JITO_TIP_ACCOUNTS": str(keypair.pubkey())}
    assert refused(own_engine).startswith(f"surefill: JITO_TIP_ACCOUNTS names {keypair.pubkey()}, which is the wallet")

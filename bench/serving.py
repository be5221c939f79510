"""One-row predictions over HTTP against what the same server does for a view that says "ok".

    python bench/serving.py [--seconds 4] [--rounds 3] [--connections 32]

One server core, one load core, turn by turn in one run: uvicorn's bare hello-world, the platform's own hello (`/livez`,
a Django view behind the whole middleware), predict with everything on (token, roles and grants, schema, log), predict
without the log, and 1,000 rows in one call. At the end every answered request must be in the database once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
for _name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

# Without the log: the same application with the append taken out.
SERVERS = {
    "bare": "async def application(scope, receive, send):\n"
    "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'2')]})\n"
    "    await send({'type': 'http.response.body', 'body': b'ok'})\n",
    "unlogged": "from atrium.asgi import application\n"
    "from serving import prediction_log\n"
    "prediction_log.append = lambda line: None\n",
    "platform": "from atrium.asgi import application\n",
}
PORTS = {"bare": 8461, "unlogged": 8462, "platform": 8463}
PREDICT = "/api/v1/deployments/bench/predict/"
ROW = b'{"age": 41, "income": 2500.5, "debt": 0.3, "years": 7, "city": "Lyon"}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("This measurement needs two cores: one for the server, one for the load.")
    with tempfile.TemporaryDirectory() as home, ExitStack() as running:
        token = prepare(Path(home))
        for name in SERVERS:
            running.enter_context(server(name, Path(home), cores[0]))
        os.sched_setaffinity(0, {cores[1]})
        report(measure(token, options), options)
        print(f"logged: {logged_once(options)}")


def prepare(home: Path) -> str:
    """A platform in `home` with one deployed logistic regression of five columns; returns a token."""
    os.environ |= {
        "ATRIUM_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "atrium.settings",
        "ATRIUM_RATE_LIMIT": "1000000/min",
    }
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from accounts.models import User
    from accounts.services import create_token
    from departments.access import actor_for
    from departments.models import Department, Membership
    from serving.services import deploy

    department = Department.objects.create(slug="bench", name="Bench")
    person = User.objects.create(username="bench")
    Membership.objects.create(department=department, person=person, role="engineer")
    deploy(
        actor=actor_for(person),
        name="bench",
        department=None,
        model_version=version(home, department),
        created_by_id=None,
    )
    return create_token(person=person, name="bench", scopes=["predict"])[1]


def version(home: Path, department: Any) -> Any:
    """Train the engine's logistic regression on simulated rows and register it."""
    import numpy as np
    import polars as pl

    from datasets.schema import Schema
    from training import artifacts
    from training.engine.control import Silent
    from training.engine.spec import TrainSpec
    from training.engine.train import train
    from training.models import ModelVersion, RegisteredModel

    random, rows = np.random.default_rng(0), 5000
    table = {
        "age": random.integers(20, 80, rows),
        "income": random.gamma(2, 1500, rows),
        "debt": random.random(rows),
        "years": random.integers(0, 40, rows),
        "city": random.choice(["Lyon", "Paris", "Nice"], rows),
    }
    good = table["income"] / 3000 - 2 * table["debt"] + random.normal(size=rows) > 0
    frame = pl.DataFrame({**table, "good": np.where(good, "yes", "no")})
    frame.write_parquet(home / "rows.parquet")
    types = {"age": "integer", "income": "number", "debt": "number", "years": "integer", "city": "text", "good": "text"}
    spec = TrainSpec(
        data=home / "rows.parquet", schema=Schema.of(types.items()), steps=[], features=list(table), target="good",
        candidates=[{"family": "linear", "params": {"epochs": 200}}], seed=0,
    )  # fmt: skip
    train(spec, workdir=home / "work", artifact=home / "artifact", monitor=Silent())
    stored = artifacts.store(home / "artifact")
    model = RegisteredModel.objects.create(department=department, name="Bench")
    return ModelVersion.objects.create(
        model=model, department=department, number=1, family="linear", task="binary", target="good",
        storage_key=stored.storage_key, sha256=stored.sha256, manifest=stored.manifest,
    )  # fmt: skip


@contextmanager
def server(name: str, home: Path, core: int) -> Iterator[None]:
    """uvicorn with one worker, held to one core."""
    (home / f"bench_{name}.py").write_text(SERVERS[name])
    command = [sys.executable, "-m", "uvicorn", f"bench_{name}:application", "--port", str(PORTS[name])]
    path = os.pathsep.join([str(home), str(ROOT / "platform"), str(ROOT)])
    process = subprocess.Popen(
        [*command, "--log-level", "error", "--no-access-log", "--lifespan", "off"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{PORTS[name]}/livez")
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str) -> None:
    for _ in range(200):
        try:
            urlopen(url).read()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} did not answer")


class Caller(asyncio.Protocol):
    """One connection that sends the same request again as soon as the answer is whole."""

    def __init__(self, request: bytes, until: float, durations: list[float]) -> None:
        self.request, self.until, self.durations = request, until, durations
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(None, 1)[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self.buffer[:400].decode()))
            self.transport.close()
            return
        self.buffer = b""
        now = time.perf_counter()
        self.durations.append(now - self.sent)
        if now < self.until:
            self.send()
        else:
            self.transport.close()
            self.done.set_result(None)


async def load(port: int, request: bytes, seconds: float, connections: int) -> tuple[float, list[float]]:
    """Requests a second, and each request's seconds."""
    loop, durations = asyncio.get_running_loop(), []
    started = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Caller(request, started + seconds, durations), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(caller.done for _, caller in made))
    return len(durations) / (time.perf_counter() - started), durations


def post(token: str, rows: int) -> bytes:
    body = b'{"instances": [' + b", ".join([ROW] * rows) + b"]}"
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


ANSWERED = 0


def measure(token: str, options: argparse.Namespace) -> dict[str, list[tuple[float, list[float]]]]:
    """Every case in every round, so that what else the machine does meets all of them alike."""
    import uvloop

    hello = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    many = options.connections
    cases = {
        "bare uvicorn hello": (PORTS["bare"], hello, many),
        "Django hello (/livez)": (PORTS["platform"], hello, many),
        "predict, 1 row": (PORTS["platform"], post(token, 1), many),
        "predict, 1 row, no log": (PORTS["unlogged"], post(token, 1), many),
        "predict, 1 row, 1 connection": (PORTS["platform"], post(token, 1), 1),
        "predict, 1,000 rows": (PORTS["platform"], post(token, 1000), 4),
    }
    found: dict[str, list[tuple[float, list[float]]]] = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, (port, request, connections) in cases.items():
            found[name].append(uvloop.run(load(port, request, options.seconds, connections)))
            if port == PORTS["platform"] and request != hello:
                globals()["ANSWERED"] += len(found[name][-1][1])
    return found


def report(found: dict[str, list[tuple[float, list[float]]]], options: argparse.Namespace) -> None:
    rates = {name: statistics.median(rate for rate, _ in rounds) for name, rounds in found.items()}
    print(f"{options.connections} connections, one server core, one load core; median of {options.rounds} rounds")
    print(f"{'case':32}{'req/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'× Django hello':>16}{'× bare':>9}")
    for name, rounds in found.items():
        durations = sorted(d for _, all_of_it in rounds for d in all_of_it)
        p50, p95 = (durations[int(share * len(durations))] * 1e3 for share in (0.5, 0.95))
        against = rates[name] / rates["Django hello (/livez)"], rates[name] / rates["bare uvicorn hello"]
        print(f"{name:32}{rates[name]:9.0f}{p50:9.2f}{p95:9.2f}{against[0]:16.2f}{against[1]:9.3f}")
    print(f"log on / log off: {rates['predict, 1 row'] / rates['predict, 1 row, no log']:.2f}")
    print(f"rows a second in calls of 1,000: {rates['predict, 1,000 rows'] * 1000:,.0f}")


def logged_once(options: argparse.Namespace) -> str:
    """Wait until the log is shipped, and compare it with what was answered."""
    from serving.models import Prediction

    for _ in range(120):
        stored = Prediction.objects.count()
        if stored >= ANSWERED:
            break
        time.sleep(1)
    distinct = Prediction.objects.values("request_id").distinct().count()
    return f"{stored:,} of {ANSWERED:,} answered requests, {stored - distinct} of them twice"


if __name__ == "__main__":
    main()

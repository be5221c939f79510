"""Predictions over HTTP against what the same server does for a bare hello-world, and against what a user would run instead.

    python bench/serving.py [--seconds 3] [--rounds 3] [--connections 32] [--peers FOLDER]

One server core, one load core, turn by turn in one run: uvicorn's bare hello-world; the prediction core with everything
on (token, roles and grants, schema, limits, metrics, log); the same without the log; the plain view that it replaces;
and with --peers FastAPI with scikit-learn and `mlflow models serve` (bench/serving_peers.py) from a virtual environment in
that folder, which is made where it is missing. At the end the memory of the web process with ten models loaded, and a
check that every answered request is in the database once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
for _name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

# Without the log: the same application with the append taken out.
SOURCES = {
    "bare": "async def application(scope, receive, send):\n"
    "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'2')]})\n"
    "    await send({'type': 'http.response.body', 'body': b'ok'})\n",
    "unlogged": "from atrium.asgi import application\n"
    "from serving import prediction_log\n"
    "prediction_log.append = lambda line: None\n",
    "platform": "from atrium.asgi import application\n",
    "view": "from atrium.asgi import application\n",
}
PORTS = {"bare": 8461, "unlogged": 8462, "platform": 8463, "view": 8464, "fastapi": 8465}
MLFLOW_PORTS = {"linear": 8466, "mlp": 8467}
PEERS = ("mlflow", "fastapi", "uvicorn[standard]", "scikit-learn")
ROW = b'{"age": 41, "income": 2500.5, "debt": 0.3, "years": 7, "city": "Lyon"}'
KINDS = {
    "linear": {"family": "linear", "params": {"epochs": 100}},
    "mlp": {"family": "mlp", "params": {"hidden": [64, 64], "epochs": 3}},
}
MODELS = 10  # loaded when the memory is read


@dataclass
class Case:
    """What is sent where: `logged` where each answer stands in the log; `found` (requests a second, their seconds)."""

    name: str
    port: int
    request: bytes
    connections: int
    logged: bool = False
    found: list[tuple[float, list[float]]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(rate for rate, _durations in self.found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--peers", type=Path, help="folder of the environment with mlflow, fastapi and scikit-learn")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("This measurement needs two cores: one for the server, one for the load.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the servers are stopped, too
    with tempfile.TemporaryDirectory() as home, ExitStack() as running:
        token = prepare(Path(home))
        for name in SOURCES:
            running.enter_context(own_server(name, Path(home), cores[0]))
        peers = ready_peers(options.peers, Path(home))
        if peers is not None:
            for server in peer_servers(peers, Path(home), cores[0]):
                running.enter_context(server)
        os.sched_setaffinity(0, {cores[1]})
        cases = [case for case in all_cases(token, options, peers) if options.only in case.name]
        measure(cases, options)
        report(cases, options)
        print(f"memory of the web process with {MODELS} models: {memory(token):.0f} MB")
        print(f"logged: {logged_once(sum(len(each) for case in cases if case.logged for _rate, each in case.found))}")


def prepare(home: Path) -> str:
    """A platform in `home` with deployed models of five columns; returns a token."""
    os.environ |= {"ATRIUM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "atrium.settings"}
    os.environ["ATRIUM_PREDICTION_RATE_LIMIT"] = "100000000"  # counted, and not met
    # In place of this folder, whose profile.py is not the standard library's.
    sys.path[:1] = [str(ROOT / "platform"), str(ROOT)]
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
    write_rows(home)
    names = [*KINDS, *(f"{kind}-{seed}" for seed in range(1, MODELS // len(KINDS)) for kind in KINDS)]
    for name in names:
        kind, _, seed = name.partition("-")
        made = version(home / name, home, department, kind, int(seed or 0))
        deploy(actor=actor_for(person), name=name, department=None, model_version=made, created_by_id=None)
    return create_token(person=person, name="bench", scopes=["predict"])[1]


def write_rows(home: Path) -> None:
    """Simulated applicants, as Parquet for the platform and as CSV for the peers."""
    import numpy as np
    import polars as pl

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
    frame.write_csv(home / "rows.csv")


def version(folder: Path, home: Path, department: Any, kind: str, seed: int) -> Any:
    """Train one of KINDS on the simulated rows and register it."""
    from datasets.schema import Schema
    from training import artifacts
    from training.engine.control import Silent
    from training.engine.train import TrainSpec, train
    from training.models import ModelVersion, RegisteredModel

    types = {"age": "integer", "income": "number", "debt": "number", "years": "integer", "city": "text", "good": "text"}
    spec = TrainSpec(
        data=home / "rows.parquet", schema=Schema.of(types.items()), steps=[], features=list(types)[:-1],
        target="good", candidates=[KINDS[kind]], seed=seed,
    )  # fmt: skip
    train(spec, workdir=folder / "work", artifact=folder / "artifact", monitor=Silent())
    stored = artifacts.store(folder / "artifact")
    model = RegisteredModel.objects.create(department=department, name=folder.name)
    return ModelVersion.objects.create(
        model=model, department=department, number=1, family=kind, task="binary", target="good",
        storage_key=stored.storage_key, sha256=stored.sha256, manifest=stored.manifest,
    )  # fmt: skip


def own_server(name: str, home: Path, core: int) -> Any:
    """uvicorn with one worker. Only `platform` ships the log, so that the others' logs wait for it."""
    (home / f"bench_{name}.py").write_text(SOURCES[name])
    path = os.pathsep.join([str(home), str(ROOT / "platform"), str(ROOT)])
    ships = {} if name == "platform" else {"ATRIUM_PREDICTION_SHIP_EVERY": "0"}
    environment = {**os.environ, "PYTHONPATH": path, "ATRIUM_PREDICTION_CORE": str(int(name != "view")), **ships}
    command = [sys.executable, "-m", "uvicorn", f"bench_{name}:application", "--port", str(PORTS[name]), "--log-level"]
    return server([*command, "error", "--no-access-log", "--lifespan", "off"], environment, core, PORTS[name], "/livez")


SERVERS: dict[int, subprocess.Popen[bytes]] = {}


@contextmanager
def server(command: list[str], environment: dict[str, str], core: int, port: int, path: str) -> Iterator[None]:
    """A server held to one core, once it answers."""
    with socket.socket() as free:
        if not free.connect_ex(("127.0.0.1", port)):
            sys.exit(f"Port {port} is taken: another server would be measured.")
    process = SERVERS[port] = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
        preexec_fn=lambda: (os.setsid(), os.sched_setaffinity(0, {core})),  # noqa: PLW1509
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}{path}")
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            urlopen(url).read()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url} did not answer")


def ready_peers(folder: Path | None, home: Path) -> Path | None:
    """The interpreter of the peers' environment, their models trained; None where there is none."""
    if folder is None:
        print("FastAPI and mlflow are left out: --peers FOLDER measures them too.")
        return None
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Making an environment with {', '.join(PEERS)} in {folder} …")
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    script = shutil.copy(ROOT / "bench" / "serving_peers.py", home)
    subprocess.run([python, script, "prepare", home], check=True, capture_output=True)
    return python


def peer_servers(python: Path, home: Path, core: int) -> Iterator[Any]:
    environment = {**os.environ, "PEERS": str(home), "PYTHONPATH": str(home)}
    environment["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    uvicorn = [str(python), "-m", "uvicorn", "serving_peers:application", "--port", str(PORTS["fastapi"])]
    yield server([*uvicorn, "--log-level", "error", "--no-access-log"], environment, core, PORTS["fastapi"], "/livez")
    for kind, port in MLFLOW_PORTS.items():
        command = [str(python), "-m", "mlflow", "models", "serve", "-m", str(home / f"mlflow-{kind}")]
        command += ["--env-manager", "local", "--port", str(port), "--workers", "1"]
        yield server(command, environment, core, port, "/ping")


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


def rows_in(member: bytes, rows: int) -> bytes:
    return b'{"' + member + b'": [' + b", ".join([ROW] * rows) + b"]}"


def post(path: str, body: bytes, token: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def all_cases(token: str, options: argparse.Namespace, peers: Path | None) -> Iterator[Case]:
    many, few = options.connections, 4
    hello = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    yield Case("bare hello-world", PORTS["bare"], hello, many)
    for kind in KINDS:
        one, thousand = (
            post(f"/api/v1/deployments/{kind}/predict/", rows_in(b"instances", n), token) for n in (1, 1000)
        )
        yield Case(f"{kind}, 1 row, core", PORTS["platform"], one, many, logged=True)
        yield Case(f"{kind}, 1 row, core without log", PORTS["unlogged"], one, many)
        yield Case(f"{kind}, 1 row, plain view", PORTS["view"], one, many, logged=True)
        yield Case(f"{kind}, 1,000 rows, core", PORTS["platform"], thousand, few, logged=True)
        if peers is not None:
            by_hand = f"/{kind}/predict"
            yield Case(f"{kind}, 1 row, FastAPI", PORTS["fastapi"], post(by_hand, rows_in(b"instances", 1)), many)
            yield Case(
                f"{kind}, 1,000 rows, FastAPI", PORTS["fastapi"], post(by_hand, rows_in(b"instances", 1000)), few
            )
            for words, rows, connections in (("1 row", 1, many), ("1,000 rows", 1000, few)):
                request = post("/invocations", rows_in(b"dataframe_records", rows))
                yield Case(f"{kind}, {words}, mlflow", MLFLOW_PORTS[kind], request, connections)
    yield Case("linear, 1 row, core, 1 connection", PORTS["platform"], one_row(token), 1, logged=True)


def one_row(token: str) -> bytes:
    return post("/api/v1/deployments/linear/predict/", rows_in(b"instances", 1), token)


def measure(cases: list[Case], options: argparse.Namespace) -> None:
    """Every case in every round, so that what else the machine does meets all of them alike."""
    import uvloop

    for _ in range(options.rounds):
        for case in cases:
            case.found.append(uvloop.run(load(case.port, case.request, options.seconds, case.connections)))


def report(cases: list[Case], options: argparse.Namespace) -> None:
    rates = {case.name: case.rate for case in cases}
    print(f"{options.connections} connections (4 for 1,000 rows), one server core; median of {options.rounds} rounds")
    print(f"{'case':36}{'req/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'× hello':>9}")
    for case in cases:
        durations = sorted(each for _rate, all_of_it in case.found for each in all_of_it)
        p50, p95 = (durations[int(share * len(durations))] * 1e3 for share in (0.5, 0.95))
        print(f"{case.name:36}{case.rate:9.0f}{p50:9.2f}{p95:9.2f}{case.rate / rates['bare hello-world']:9.3f}")
    for kind in KINDS:
        for words in ("1 row", "1,000 rows"):
            mine = rates.get(f"{kind}, {words}, core", 0.0)
            for other in ("core without log", "plain view", "FastAPI", "mlflow"):
                if rates.get(f"{kind}, {words}, {other}"):
                    print(f"{kind}, {words}: core / {other}: {mine / rates[f'{kind}, {words}, {other}']:.2f}")


def memory(token: str) -> float:
    """Resident MB of the platform's web process after every model answered."""
    for seed in range(MODELS // len(KINDS)):
        for kind in KINDS:
            url = f"http://127.0.0.1:{PORTS['platform']}/api/v1/deployments/{kind}{f'-{seed}' if seed else ''}/predict/"
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            urlopen(Request(url, rows_in(b"instances", 1), headers)).read()
    status = Path(f"/proc/{SERVERS[PORTS['platform']].pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def logged_once(answered: int) -> str:
    """Wait until the log is shipped, and compare it with what was answered while measuring and for the memory."""
    from serving.models import Prediction
    from serving.prediction_log import ship

    for _ in range(120):
        ship()
        stored = Prediction.objects.count()
        if stored >= answered + MODELS:
            break
        time.sleep(1)
    distinct = Prediction.objects.values("request_id").distinct().count()
    return f"{stored:,} of {answered + MODELS:,} answered requests, {stored - distinct} of them twice"


if __name__ == "__main__":
    main()

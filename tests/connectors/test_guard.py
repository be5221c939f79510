"""Connections go only where they may: names, spellings of addresses, names that change, redirects (D9)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from datasets.connectors import _guard
from datasets.connectors import http as http_connector
from datasets.connectors._base import Ask, Config, ConnectError
from datasets.connectors._guard import Allowance, Guard, Pinned, host_name
from datasets.connectors.mysql import CONNECTOR as MYSQL
from datasets.connectors.postgresql import CONNECTOR as POSTGRESQL
from datasets.connectors.s3 import CONNECTOR as S3
from tests.connectors.servers import CSV, SECRET, web_server


def resolved(monkeypatch: pytest.MonkeyPatch, *turns: list[str]) -> list[str]:
    """Let names resolve to the addresses of each turn, the last of which stays; returns the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_kwargs: Any) -> list[Any]:
        found = turns[min(len(asked), len(turns) - 1)]
        asked.append(host)
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(_guard.socket, "getaddrinfo", getaddrinfo)
    return asked


def code_of(guard: Guard, host: str, port: int = 443) -> str:
    with pytest.raises(ConnectError) as caught:
        guard.pin(host, port)
    assert caught.value.hint
    return caught.value.code


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1",
    "192.0.2.1", "::1", "fd00::1", "fc00::1", "fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "::127.0.0.1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.0.1", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254",
    "fe80::1", "fe80::1%lo", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.255", "ff02::1", "255.255.255.255",
    "240.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(monkeypatch, address):
    resolved(monkeypatch, [address])
    assert code_of(Guard(), "db.example.com") == "address_not_allowed"


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_refused_whatever_is_allowed(monkeypatch, address):
    resolved(monkeypatch, [address])
    everything = Guard.of(["0.0.0.0/0", "::/0", "db.example.com"])
    assert code_of(everything, "db.example.com") == "address_refused"


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_pinned(monkeypatch, address):
    resolved(monkeypatch, [address])
    assert Guard().pin("Example.COM.", 443) == Pinned("example.com", 443, address)


def test_one_refused_address_among_several_is_enough(monkeypatch):
    resolved(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    assert code_of(Guard(), "db.example.com") == "address_not_allowed"


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "010.0.0.1", "1.2.3.04", "0x7f.0x0.0x0.0x1",
        "127.0.0.1.", "user@db.example.com", "user:password@127.0.0.1", "db.example.com:5432", "db.example.com/x", "/tmp",
        "/var/run/postgresql", "a,b", "db.example.com,127.0.0.1", "db.example.com 127.0.0.1", "db\n.com", "db\0.com", "",
        "[::1", "http://db", "@", "-db.example.com", "db..example.com", "１２７.０.０.１", "127。0。0。1", "x" * 300,
        "\\\\.\\pipe\\MySQL", "db.example.com?host=/tmp", "host=/tmp", "⑯⑨。②⑤④。⑯⑨｡②⑤④",
    ],
)  # fmt: skip
def test_a_host_in_a_spelling_that_could_mean_two_things_is_refused(monkeypatch, host):
    asked = resolved(monkeypatch, ["93.184.215.14"])
    with pytest.raises(ConnectError):
        Guard().pin(host, 443)
    assert not asked


def test_names_beyond_ascii_become_ascii():
    assert host_name("bücher.example") == "xn--bcher-kva.example"
    assert host_name("[2606:2800::1]") == "2606:2800::1"


def test_an_allowance_covers_its_name_network_and_port_and_nothing_else(monkeypatch):
    resolved(monkeypatch, ["10.1.2.3"])
    assert Guard.of(["db.example.com"]).pin("db.example.com", 5432).address == "10.1.2.3"
    assert Guard.of(["*.example.com"]).pin("db.example.com", 5432)
    assert Guard.of(["10.1.0.0/16"]).pin("db.example.com", 5432)
    assert Guard.of(["10.1.2.3:5432"]).pin("db.example.com", 5432)
    for entries, port in (
        (["other.example.com"], 5432), (["*.db.example.com"], 5432), (["10.2.0.0/16"], 5432), (["10.1.2.3:5432"], 22),
        (["example.com"], 5432), (["db.example.com:5432"], 22),
    ):  # fmt: skip
        assert code_of(Guard.of(entries), "db.example.com", port) == "address_not_allowed"


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "db.example.com:0",
        "db.example.com:99999",
        "10.0.0.0/99",
        "http://x",
        "a b",
        "2130706433",
        "[::1]x",
        "10.1.2.3/8",
    ],
)
def test_an_allowance_that_says_nothing_clear_is_refused(entry):
    with pytest.raises(ValueError, match="got"):
        Allowance.parse(entry)


def test_a_name_that_answers_differently_a_moment_later_changes_nothing(monkeypatch):
    """DNS rebinding: the name is looked up once, and the connection goes to the address that was checked."""
    asked = resolved(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    dialled: list[Any] = []

    def dial(address: Any, timeout: float) -> Any:
        dialled.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(_guard.socket, "create_connection", dial)
    config = Config({"url": "http://rebind.example.com/a.csv", "user": None, "token": None}, Guard(), Path("/nowhere"))
    with pytest.raises(ConnectError):
        http_connector.check(config)
    assert asked == ["rebind.example.com"]
    assert dialled == [("93.184.215.14", 80)]


def test_postgresql_goes_to_the_pinned_address_and_nothing_else_is_taken_from_outside(monkeypatch):
    resolved(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    given: dict[str, Any] = {}

    def connect(**settings: Any) -> Any:
        import psycopg2

        given.update(settings)
        raise psycopg2.OperationalError("timeout expired")

    monkeypatch.setattr("psycopg2.connect", connect)
    values = {"host": "db.example.com", "port": 5432, "database": "x", "user": "u service=y", "password": "p sslkey=/z",
              "tls": "verify"}  # fmt: skip
    with pytest.raises(ConnectError):
        POSTGRESQL.check(Config(values, Guard(), Path("/nowhere")))
    assert (given["host"], given["hostaddr"]) == ("db.example.com", "93.184.215.14")
    assert given["sslmode"] == "verify-full"
    assert (given["sslkey"], given["sslcert"], given["user"]) == ("", "", "u service=y")
    for database in ("x host=/tmp", "postgresql://other/x", "service=other", ""):
        with pytest.raises(ConnectError) as caught:
            POSTGRESQL.check(Config({**values, "database": database}, Guard(), Path("/nowhere")))
        assert caught.value.code == "bad_database"


@pytest.mark.parametrize("host", ["/tmp", "/var/run/mysqld/mysqld.sock", "a,b", "localhost"])
@pytest.mark.parametrize("connector", [POSTGRESQL, MYSQL], ids=lambda each: each.name)
def test_sockets_lists_and_this_machine_are_refused(connector, host):
    values = {"host": host, "port": 5432, "database": "x", "user": "u", "password": None, "tls": "prefer"}
    config = Config(values, Guard(), Path("/nowhere"))
    with pytest.raises(ConnectError) as caught, connector.read_batches(config, Ask(table="a")):
        pass
    assert caught.value.code in {"bad_host", "address_not_allowed"}


def test_a_mysql_server_that_asks_for_a_local_file_gets_none():
    """LOAD DATA LOCAL INFILE is the server asking the client for a file of its choice."""
    import threading

    server = socket.create_server(("127.0.0.1", 0))
    got: list[bytes] = []

    def serve() -> None:
        connection, _address = server.accept()
        with connection:
            greeting = (
                b"\x0a5.7.0\x00" + b"\x01\x00\x00\x00" + b"a" * 8 + b"\x00" + (0xFFFF & ~0x800).to_bytes(2, "little") + b"\x21"
                + b"\x02\x00" + (0x000F).to_bytes(2, "little") + b"\x15" + b"\x00" * 10 + b"b" * 12 + b"\x00"
                + b"mysql_native_password\x00"
            )  # fmt: skip
            connection.sendall(len(greeting).to_bytes(3, "little") + b"\x00" + greeting)
            connection.recv(4096)
            connection.sendall(b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00")
            request = b"\xfb/etc/passwd"
            while data := connection.recv(4096):
                got.append(data)
                connection.sendall(len(request).to_bytes(3, "little") + b"\x01" + request)

    threading.Thread(target=serve, daemon=True).start()
    values = {"host": "127.0.0.1", "port": server.getsockname()[1], "database": "x", "user": "u", "password": None,
              "tls": "prefer"}  # fmt: skip
    with pytest.raises(Exception, match=r"LOAD_LOCAL|does not answer|database"):
        MYSQL.check(Config(values, Guard.of(["127.0.0.1"]), Path("/nowhere"), seconds=5))
    server.close()
    assert not any(b"root:" in data for data in got)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    with web_server() as server:
        yield server


def fetched(web: SimpleNamespace, tmp_path: Path, path: str = "/people.csv", **changes: Any) -> bytes:
    values = {"url": f"{web.url}{path}", "user": "reader", "password": SECRET, "token": None} | changes
    config = Config(values, Guard.of([f"127.0.0.1:{web.port}"]), tmp_path, seconds=20)
    target = tmp_path / "file"
    http_connector.fetch(config, path.rsplit("/", 1)[-1], target, lambda size: None)
    return target.read_bytes()


def test_a_redirect_on_the_same_host_is_followed(web, tmp_path):
    web.redirects["/old.csv"] = "/people.csv"
    assert fetched(web, tmp_path, "/old.csv") == CSV


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/", "http://2852039166/",
        "http://0xa9fea9fe/", "http://127.0.0.1:6379/", "http://localhost/", "//10.0.0.1/x", "http://a@127.0.0.1/",
        "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://127.0.0.1/", "http://127.0.0.1\\@example.com/",
    ],
)  # fmt: skip
def test_a_redirect_to_where_nobody_may_go_is_refused(web, tmp_path, target):
    web.redirects["/old.csv"] = target
    with pytest.raises(ConnectError) as caught:
        fetched(web, tmp_path, "/old.csv")
    assert caught.value.code in {"address_refused", "address_not_allowed", "bad_url", "bad_host"}


def test_credentials_do_not_follow_to_another_host(web, tmp_path):
    with web_server() as other:
        web.redirects["/old.csv"] = f"{other.url}/people.csv"
        config = Config(
            {"url": f"{web.url}/old.csv", "user": "reader", "password": SECRET, "token": None},
            Guard.of(["127.0.0.1"]), tmp_path, seconds=20,
        )  # fmt: skip
        with pytest.raises(ConnectError) as caught:
            http_connector.fetch(config, "old.csv", tmp_path / "file", lambda size: None)
        assert caught.value.code == "not_permitted"
        assert other.seen == [("/people.csv", "")]


def test_redirects_end_after_three(web, tmp_path):
    for number in range(5):
        web.redirects[f"/{number}.csv"] = f"/{number + 1}.csv"
    with pytest.raises(ConnectError) as caught:
        fetched(web, tmp_path, "/0.csv")
    assert caught.value.code == "too_many_redirects"


@pytest.mark.parametrize(
    "url",
    ["http://user:pw@example.com/a", "http://example.com:99999/", "https://", "//example.com/a", "javascript:1",
     "http://exa mple.com/",
     "http://example.com\r\nX: y/", "http://example.com/a\nb", "http://[::1/", "http://①②⑦.0.0.1/", "file:///etc/passwd"],
)  # fmt: skip
def test_an_address_that_could_mean_two_things_is_refused(url, tmp_path):
    with pytest.raises(ConnectError):
        http_connector.check(Config({"url": url, "user": None, "password": None, "token": None}, Guard(), tmp_path))


def test_the_endpoint_of_s3_goes_through_the_same_guard(tmp_path):
    values = {"endpoint": "http://169.254.169.254", "region": "us-east-1", "bucket": "b", "prefix": None, "access_key": None,
              "secret_key": None}  # fmt: skip
    with pytest.raises(ConnectError) as caught:
        S3.check(Config(values, Guard.of(["0.0.0.0/0"]), tmp_path))
    assert caught.value.code == "address_refused"


def test_the_signature_is_the_one_of_awss_own_library():
    """Signature Version 4, held to botocore for the same request at the same moment."""
    import datetime as dt
    from unittest import mock

    from botocore import auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from datasets.connectors.s3 import _EMPTY, _signed

    now = dt.datetime(2024, 5, 1, 12, 30, 15, tzinfo=dt.UTC)
    query = "continuation-token=a%2Fb%3D%3D&list-type=2&max-keys=1000&prefix=2024%2F%C3%BC"
    path = "/exports/2024/people%20%C3%BCn%C3%AF%2B1.csv"
    request = AWSRequest("GET", f"https://s3.example.com:9000{path}?{query}", headers={"X-Amz-Content-SHA256": _EMPTY})
    with mock.patch.object(auth, "get_current_datetime", return_value=now.replace(tzinfo=None)):
        auth.S3SigV4Auth(Credentials("key", SECRET), "s3", "eu-central-1").add_auth(request)
    config = {"access_key": "key", "secret_key": SECRET, "region": "eu-central-1"}
    ours = _signed(config, "s3.example.com:9000", path, query, now)
    assert ours["Authorization"] == request.headers["Authorization"]

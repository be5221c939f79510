"""Finding and starting a real PostgreSQL and Redis: `python tests/services.py start`.

With a container engine it uses docker-compose.yml; as root on Debian it installs the packages and starts them; elsewhere
it says how to. Only the standard library and the two client libraries are used.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def password() -> str:
    """The role's password: made once on this machine, kept beside the platform's own data, readable by its owner only."""
    file = ROOT / "var" / "services-password"
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


DATABASE_URL = os.environ.get("TEST_DATABASE_URL") or f"postgres://atrium:{password()}@127.0.0.1:5432/atrium"
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
HOW = "start them yourself and name them in TEST_DATABASE_URL and TEST_REDIS_URL (the role needs CREATEDB)"


def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=check, capture_output=True, text=True)


def postgresql_problem() -> str:
    """Why PostgreSQL cannot be used, or "" when it can."""
    import psycopg2

    try:
        with psycopg2.connect(DATABASE_URL.replace("postgres://", "postgresql://", 1), connect_timeout=3) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
            row = cursor.fetchone()
            return "" if row and row[0] else "its role may not create databases"
    except psycopg2.Error as error:
        return str(error).strip().splitlines()[0]


def redis_problem() -> str:
    """Why Redis cannot be used, or "" when it can."""
    import redis

    try:
        redis.Redis.from_url(REDIS_URL, socket_timeout=3).ping()
    except redis.RedisError as error:
        return str(error)
    return ""


def has_engine() -> bool:
    """Whether a container engine answers."""
    return bool(shutil.which("docker")) and run("docker", "info", check=False).returncode == 0


def is_debian_root() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and bool(shutil.which("apt-get"))


def start() -> str:
    """Start what is missing; return why something still is, or ""."""
    if not postgresql_problem() and not redis_problem():
        return ""
    if is_debian_root():
        start_debian()
    elif has_engine():
        os.environ["POSTGRES_PASSWORD"] = password()
        run("docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "up", "-d", "--wait", "postgres", "redis")
    else:
        return HOW
    return "; ".join(filter(None, (postgresql_problem(), redis_problem())))


def start_debian() -> None:
    """Install Debian's packages where they are missing, start both servers and make the role and the database."""
    if not Path("/usr/lib/postgresql").exists() or not shutil.which("redis-server"):
        run("apt-get", "update", "-q")
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", "postgresql", "redis-server")
    if redis_problem():
        run(
            "redis-server", "--daemonize", "yes", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", check=False
        )
    for cluster in run("pg_lsclusters", "--no-header").stdout.splitlines():
        version, name, _port, status = cluster.split()[:4]
        if status != "online":
            run("pg_ctlcluster", "--skip-systemctl-redirect", version, name, "start", check=False)
    alter = f"ALTER ROLE atrium LOGIN CREATEDB PASSWORD '{password()}'"
    for statement in ("CREATE ROLE atrium", alter, "CREATE DATABASE atrium OWNER atrium"):
        run("su", "postgres", "-c", f'psql -v ON_ERROR_STOP=1 -c "{statement}"', check=False)


def main() -> None:
    if sys.argv[1:] != ["start"]:
        sys.exit("usage: python tests/services.py start")
    problem = start()
    if problem:
        sys.exit(f"PostgreSQL and Redis are not both running: {problem}")
    print("PostgreSQL and Redis are running. To use them:")
    print(f"  export DATABASE_URL={DATABASE_URL}\n  export REDIS_URL={REDIS_URL.removesuffix('/15')}/0")
    print("  export ATRIUM_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')")
    print("  make run")


if __name__ == "__main__":
    main()

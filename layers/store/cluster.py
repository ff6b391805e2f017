"""The private PostGIS cluster: a folder, a unix socket, an unprivileged owner.

PostgreSQL does not run as root: started by root, the cluster belongs to the system user `postgres`. Where that user
cannot reach the data folder (a checkout under root's home), the cluster lies in /var/lib/lienthong/<digest>.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from layers.errors import StoreError

DATABASE = "lienthong"
SYSTEM_USER = "postgres"
SERVER_ROLE = "lt_server"
_ADMIT, _MAKE = "ALTER ROLE lt_server LOGIN NOINHERIT", "CREATE ROLE lt_server LOGIN NOINHERIT"
#: a socket path must fit into sockaddr_un
MAX_SOCKET_PATH = 100
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster in `folder`, owned by `owner`."""

    folder: Path
    owner: str
    binaries: Path

    @classmethod
    def at(cls, data_folder: Path) -> Cluster:
        """The cluster that belongs to a data folder. Raises StoreError when PostGIS is not installed."""
        binaries = next((path for path in BINARIES if (path / "initdb").exists()), None)
        if binaries is None:
            raise StoreError(
                "Chưa cài PostgreSQL và PostGIS. Chạy 'make setup' hoặc: apt-get install postgresql-15-postgis-3",
                "PostgreSQL with PostGIS is missing. Run 'make setup' or: apt-get install postgresql-15-postgis-3",
            )
        owner = SYSTEM_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        return cls(_home(data_folder, owner), owner, binaries)

    @property
    def url(self) -> str:
        return f"postgresql://{self.owner}@/{DATABASE}?host={self.socket_folder}"

    def url_of(self, database: str) -> str:
        return f"postgresql://{self.owner}@/{database}?host={self.socket_folder}"

    @property
    def server_url(self) -> str:
        """As the web service logs in: it owns nothing and acts as one role or another (second wall)."""
        return f"postgresql://{SERVER_ROLE}@/{DATABASE}?host={self.socket_folder}"

    @property
    def data(self) -> Path:
        return self.folder / "pgdata"

    @property
    def socket_folder(self) -> Path:
        own = self.folder / "run"
        if len(str(own)) <= MAX_SOCKET_PATH:
            return own
        return Path("/tmp") / f"lienthong-{_digest(self.folder)}"

    @property
    def is_initialised(self) -> bool:
        return self._test("-f", self.data / "PG_VERSION")

    @property
    def is_running(self) -> bool:
        return self._run("pg_ctl", "-D", str(self.data), "status", check=False).returncode == 0

    def ensure_started(self) -> Cluster:
        """Initialise what is missing, start what stands still; safe to call any number of times."""
        if not self.is_initialised:
            self.initialise()
        if not self.is_running:
            self.start()
        self._ensure_database()
        return self

    def initialise(self) -> None:
        """Make the folder and the cluster. A half-made one (killed initdb) is made anew: it never held data."""
        self._make_folder(self.folder)
        if self._test("-d", self.data):
            self._command("rm", "-rf", str(self.data))
        made = self.folder / "pgdata.new"
        self._command("rm", "-rf", str(made))
        self._run("initdb", "-D", str(made), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", self.owner)
        self._command("mv", str(made), str(self.data))

    def start(self) -> None:
        """Start and wait until it answers. Raises StoreError with the end of its log."""
        self._make_folder(self.socket_folder)
        options = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.socket_folder}'",
            "unix_socket_permissions": "0700" if self.owner != SYSTEM_USER else "0770",
            "shared_buffers": f"{max(128, min(2048, _memory_mb() // 8))}MB",
            "work_mem": "64MB",
            "maintenance_work_mem": "256MB",
            "max_connections": "100",
            "max_wal_size": "4GB",
            "wal_compression": "on",
            "jit": "off",
            "random_page_cost": "1.1",
            "timezone": "'UTC'",
        }
        arguments = " ".join(f"-c {name}={value}" for name, value in options.items())
        log = self.folder / "postgresql.log"
        done = self._run(
            "pg_ctl", "-D", str(self.data), "-l", str(log), "-o", arguments, "-w", "-t", "60", "start", check=False
        )
        if done.returncode != 0:
            tail = self._command("tail", "-n", "5", str(log), check=False).stdout
            raise StoreError(
                f"Không khởi động được cơ sở dữ liệu. Nhật ký {log}:\n{tail}",
                f"The database did not start. Its log {log} ends with:\n{tail}",
            )

    def stop(self) -> None:
        """Stop, letting running statements be rolled back."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop", check=False)

    def _ensure_database(self) -> None:
        found = self._psql("postgres", "SELECT datname FROM pg_database").stdout.split()
        if DATABASE not in found:
            self._run("createdb", "-h", str(self.socket_folder), DATABASE)
        self._admit_server()

    def _admit_server(self) -> None:
        """Only here may the role of the web service log in without more ado: whoever reaches this socket may."""
        logins = self._psql("postgres", "SELECT rolname, rolcanlogin FROM pg_roles").stdout.split()
        if f"{SERVER_ROLE}|t" in logins:
            return
        is_there = f"{SERVER_ROLE}|f" in logins
        self._psql("postgres", _ADMIT if is_there else _MAKE)

    def _psql(self, database: str, statement: str) -> subprocess.CompletedProcess[str]:
        return self._run("psql", "-h", str(self.socket_folder), "-d", database, "-XAtqc", statement)

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, self.owner)
        folder.chmod(0o700)

    def _test(self, flag: str, path: Path) -> bool:
        return self._command("test", flag, str(path), check=False).returncode == 0

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._command(str(self.binaries / program), *arguments, check=check)

    def _command(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run as the owner of the cluster: never as root."""
        user = self.owner if os.geteuid() == 0 else None
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd="/", user=user, group=user,
            extra_groups=[] if user else None, stdin=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if check and done.returncode != 0:
            raise StoreError(
                f"Lệnh cơ sở dữ liệu không thành công: {command[0]}\n{done.stderr.strip()}",
                f"A database command failed: {command[0]}\n{done.stderr.strip()}",
            )
        return done


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _home(data_folder: Path, owner: str) -> Path:
    """Inside the data folder where its owner can reach it, else under /var/lib."""
    inside = data_folder / "postgres"
    if os.geteuid() != 0:
        return inside
    if _reachable(data_folder, owner):
        return inside
    return Path("/var/lib/lienthong") / _digest(data_folder)


def _reachable(folder: Path, owner: str) -> bool:
    """Whether `owner` may walk down to `folder` (its nearest existing ancestor)."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    done = subprocess.run(
        ["/usr/bin/test", "-x", str(existing)], check=False, cwd="/", user=owner, group=owner, extra_groups=[]
    )
    return done.returncode == 0

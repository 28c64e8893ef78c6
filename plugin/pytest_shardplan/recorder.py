"""Records which addresses a process tries to reach, and for whom.

It stands alone: child processes load it by its path, in whatever environment they run. Sockets of Python are
seen by audit hooks; drivers that connect in C by wrapping what connects; child processes by this module in them.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

#: Where child processes write, one file each.
FOLDER = "SHARDPLAN_OBSERVE_FOLDER"
#: For whom a child process runs.
CONTEXT = "SHARDPLAN_OBSERVE_CONTEXT"

#: Address and driver; a driver is the first name of a kind of service, or empty.
Key = Tuple[str, str]


class Touch:
    """One address that was tried."""

    __slots__ = ("reached", "place")

    def __init__(self, place: str):
        #: False after a failure, True after a success where that is known, else None.
        self.reached: Optional[bool] = None
        self.place = place


class State:
    def __init__(self) -> None:
        self.on = False
        self.pid = 0
        #: For whom the process works at this moment.
        self.current = 0
        self.touches: Dict[int, Dict[Key, Touch]] = {}
        #: Folder of the nearest conftest on the stack, where nobody else is the reason.
        self.find_reason: Optional[Callable[[int], int]] = None
        self.folder: Optional[str] = None
        self.log: Any = None
        self.log_pid = 0
        #: Ports that this process listens on: connecting to itself is no service.
        self.own: set = set()
        self.root = os.getcwd()
        self.busy = False


state = State()


def start(child: bool = False) -> None:
    """Begins to record in this process. Audit hooks stay for the life of a process, so it is done once."""
    if state.on:
        return
    # A worker of xdist begins as a child that is watched, and then watches itself.
    watching = sys.modules.get("_shardplan_recorder")
    if watching is not None and watching is not sys.modules.get(__name__):
        watching.stop()
    state.on = True
    state.pid = -1 if child else os.getpid()
    state.folder = os.environ.get(FOLDER)
    if child:
        state.current = int(os.environ.get(CONTEXT, "0") or 0)
    sys.addaudithook(_audit)
    _watch_outcomes()
    sys.meta_path.insert(0, _Finder())
    for name, wrap in DRIVERS.items():
        module = sys.modules.get(name)
        if module is not None:
            _wrap_safely(wrap, module)


def stop() -> None:
    state.on = False


def enter(context: int) -> int:
    """Makes `context` the one for whom things are done, and returns the one before it."""
    before = state.current
    state.current = context
    os.environ[CONTEXT] = str(context)
    return before


def touch(address: str, driver: str = "") -> Optional[Touch]:
    if not state.on or state.busy:
        return None
    if state.own and address.rpartition(":")[2] in state.own and _is_loopback(address):
        return None
    context = state.current
    if state.find_reason is not None and os.getpid() == state.pid:
        context = state.find_reason(context)
    found = state.touches.setdefault(context, {})
    key = (address, driver)
    entry = found.get(key)
    if entry is None:
        entry = found[key] = Touch(_place())
        _log(context, key, entry)
    return entry


def settle(entry: Optional[Touch], address: str, driver: str, reached: bool) -> None:
    """Notes whether the address answered; one answer counts more than any failure."""
    if entry is not None and entry.reached is not True and entry.reached != reached:
        entry.reached = reached
        _log(state.current, (address, driver), entry)


def _log(context: int, key: Key, entry: Touch) -> None:
    """Writes a line for the parent, in a child and after a fork."""
    if state.folder is None or os.getpid() == state.pid:
        return
    state.busy = True
    try:
        if state.log is None or state.log_pid != os.getpid():
            name = "%d-%s.jsonl" % (os.getpid(), os.urandom(4).hex())
            state.log = open(os.path.join(state.folder, name), "a", encoding="utf-8")
            state.log_pid = os.getpid()
        state.log.write(json.dumps([context, key[0], key[1], entry.reached, entry.place]) + "\n")
        state.log.flush()
    except OSError:
        pass
    finally:
        state.busy = False


def _place() -> str:
    """Returns the innermost place in the project: `file:line`."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(state.root) and "site-packages" not in name and frame.f_globals.get("__name__") != __name__:
            return "%s:%d" % (os.path.relpath(name, state.root).replace(os.sep, "/"), frame.f_lineno)
        frame = frame.f_back
    return ""


def _is_loopback(address: str) -> bool:
    return address.rpartition(":")[0] in ("127.0.0.1", "localhost", "::1", "")


def address_of(address: Any) -> str:
    """Returns `host:port` or the path of a socket."""
    if isinstance(address, (tuple, list)) and len(address) >= 2:
        return "%s:%s" % (address[0], address[1])
    if isinstance(address, bytes):
        return os.fsdecode(address)
    return str(address)


def _text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)


def _on_connect(args: Tuple[Any, ...]) -> None:
    sock, address = args
    # Datagrams reach nobody, and many libraries "connect" one to learn the host's own address.
    if getattr(sock, "type", 1) != 1 or getattr(sock, "family", 2) not in (1, 2, 10, 23, 30):
        return
    touch(address_of(address))


def _on_lookup(args: Tuple[Any, ...]) -> None:
    host, port = args[0], args[1]
    if host is None or port in (None, 0, "", "0"):
        return
    host = _text(host)
    if host in ("", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"):
        # The connection that follows says whether it was meant: servers look themselves up too.
        return
    touch("%s:%s" % (host, _text(port)))


def _on_program(args: Tuple[Any, ...]) -> None:
    program = args[0]
    words = args[1] if len(args) > 1 else None
    if program is None and words:
        program = words[0] if isinstance(words, (list, tuple)) else words
    if program is not None:
        name = os.path.basename(_text(program))
        if name in ("sh", "bash", "dash", "env", "sudo", "su", "runuser") and isinstance(words, (list, tuple)):
            # The programs that a shell line names, without being a shell.
            for word in " ".join(_text(word) for word in words[1:]).replace(";", " ").split():
                _touch_program(os.path.basename(word))
        else:
            _touch_program(name)


def _on_system(args: Tuple[Any, ...]) -> None:
    for word in _text(args[0]).replace(";", " ").split():
        _touch_program(os.path.basename(word))


def _touch_program(name: str) -> None:
    if name in PROGRAMS:
        touch("program:%s" % name, PROGRAMS[name])


def _on_listen(args: Tuple[Any, ...]) -> None:
    # A port of 0 is not known yet; `_watch_outcomes` asks for it afterwards.
    address = args[1]
    if isinstance(address, tuple) and len(address) >= 2 and address[1]:
        state.own.add(str(address[1]))


_HANDLERS: Dict[str, Callable[[Tuple[Any, ...]], None]] = {
    "socket.connect": _on_connect,
    "socket.getaddrinfo": _on_lookup,
    "socket.bind": _on_listen,
    "subprocess.Popen": _on_program,
    "os.posix_spawn": _on_program,
    "os.exec": _on_program,
    "os.system": _on_system,
}

#: Client programs by what they are for; `pytest_shardplan.services` has the same, a test compares them.
PROGRAMS = {
    **dict.fromkeys(
        ("psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_isready", "createdb", "dropdb", "createuser", "vacuumdb"),
        "postgres",
    ),
    **dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mariadb-admin"), "mysql"),
    **dict.fromkeys(("redis-cli", "valkey-cli"), "redis"),
    **dict.fromkeys(("mongo", "mongosh", "mongodump", "mongorestore"), "mongo"),
    "rabbitmqctl": "rabbitmq",
    "clickhouse-client": "clickhouse",
    "cqlsh": "cassandra",
    "sqlcmd": "mssql",
    "etcdctl": "etcd",
    "sqlplus": "oracledb",
}


def _audit(event: str, args: Tuple[Any, ...]) -> None:
    handler = _HANDLERS.get(event)
    if handler is not None and state.on:
        try:
            handler(args)
        except Exception:
            # What is only watched must go on as if nobody did.
            pass


def _watch_outcomes() -> None:
    """Notes which connections failed: an audit hook is called before the attempt."""
    import socket

    plain = socket.socket.connect

    @functools.wraps(plain)
    def connect(self: Any, address: Any) -> Any:
        try:
            result = plain(self, address)
        except (BlockingIOError, InterruptedError):
            raise
        except OSError:
            _settle_address(address, False)
            raise
        _settle_address(address, True)
        return result

    socket.socket.connect = connect  # type: ignore[method-assign]

    plain_ex = socket.socket.connect_ex

    @functools.wraps(plain_ex)
    def connect_ex(self: Any, address: Any) -> Any:
        import errno

        code = plain_ex(self, address)
        if code not in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN):
            _settle_address(address, code == 0)
        return code

    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]

    plain_listen = socket.socket.listen

    @functools.wraps(plain_listen)
    def listen(self: Any, *args: Any) -> Any:
        try:
            name = self.getsockname()
            if isinstance(name, tuple) and len(name) >= 2:
                state.own.add(str(name[1]))
        except OSError:
            pass
        return plain_listen(self, *args)

    socket.socket.listen = listen  # type: ignore[method-assign]

    import subprocess

    plain_init = subprocess.Popen.__init__

    @functools.wraps(plain_init)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        # A child with an environment of its own is watched as well.
        if kwargs.get("env") is not None and state.on and state.folder is not None:
            kwargs["env"] = child_environment(kwargs["env"])
        plain_init(self, *args, **kwargs)

    subprocess.Popen.__init__ = init  # type: ignore[method-assign]


def child_environment(environment: Any) -> Dict[Any, Any]:
    """Returns the environment with what makes a Python child record too."""
    changed = dict(environment)
    changed[FOLDER] = state.folder or ""
    changed[CONTEXT] = str(state.current)
    changed["PYTHONPATH"] = child_path(changed.get("PYTHONPATH", ""))
    return changed


def child_path(before: str) -> str:
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child")
    parts = [part for part in _text(before).split(os.pathsep) if part and part != folder]
    return os.pathsep.join([folder, *parts])


def _settle_address(address: Any, reached: bool) -> None:
    name = address_of(address)
    context = state.current
    if state.find_reason is not None and os.getpid() == state.pid:
        context = state.find_reason(context)
    settle(state.touches.get(context, {}).get((name, "")), name, "", reached)


# Drivers that connect in C.


def _around(call: Callable[..., Any], address: Callable[..., List[str]], driver: str) -> Callable[..., Any]:
    """Returns the call with its addresses recorded, and whether it succeeded."""

    def begin(args: Any, kwargs: Any) -> List[Tuple[str, Optional[Touch]]]:
        try:
            return [(name, touch(name, driver)) for name in address(*args, **kwargs)]
        except Exception:
            return []

    def end(entries: List[Tuple[str, Optional[Touch]]], reached: bool) -> None:
        for name, entry in entries:
            settle(entry, name, driver, reached)

    @functools.wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        entries = begin(args, kwargs)
        try:
            result = call(*args, **kwargs)
        except BaseException:
            end(entries, False)
            raise
        if hasattr(result, "__await__"):
            return _awaited(result, lambda reached: end(entries, reached))
        end(entries, True)
        return result

    return wrapped


async def _awaited(result: Any, end: Callable[[bool], None]) -> Any:
    try:
        value = await result
    except BaseException:
        end(False)
        raise
    end(True)
    return value


def _postgres(parameters: Dict[str, Any]) -> List[str]:
    hosts = str(parameters.get("hostaddr") or parameters.get("host") or os.environ.get("PGHOST") or "")
    port = str(parameters.get("port") or os.environ.get("PGPORT") or "5432")
    names = []
    for at, host in enumerate(hosts.split(",")):
        ports = port.split(",")
        here = ports[at] if at < len(ports) else ports[0]
        if not host or host.startswith("/"):
            names.append("%s/.s.PGSQL.%s" % (host or "/var/run/postgresql", here))
        else:
            names.append("%s:%s" % (host, here))
    return names


def _wrap_class_method(owner: Any, name: str, address: Callable[..., List[str]], driver: str) -> None:
    plain = getattr(owner, name).__func__
    setattr(owner, name, classmethod(_around(plain, address, driver)))


def _psycopg(module: Any) -> None:
    from psycopg.conninfo import conninfo_to_dict  # type: ignore[import-not-found]

    def address(_class: Any, conninfo: str = "", **kwargs: Any) -> List[str]:
        known = {name: value for name, value in kwargs.items() if name in ("host", "hostaddr", "port", "service")}
        return _postgres(conninfo_to_dict(conninfo, **known))

    for name in ("Connection", "AsyncConnection"):
        owner = getattr(module, name, None)
        if owner is not None:
            _wrap_class_method(owner, "connect", address, "postgres")
    # `psycopg.connect` is the method as it was when the package was imported.
    package = sys.modules.get("psycopg")
    if package is not None and hasattr(package, "Connection") and hasattr(package, "connect"):
        package.connect = package.Connection.connect  # type: ignore[attr-defined]


def _psycopg2(module: Any) -> None:
    def address(dsn: Any = None, *_: Any, **kwargs: Any) -> List[str]:
        from psycopg2.extensions import parse_dsn  # type: ignore[import-not-found,import-untyped]

        return _postgres({**(parse_dsn(dsn) if dsn else {}), **kwargs})

    module.connect = _around(module.connect, address, "postgres")


def _asyncpg(module: Any) -> None:
    # With uvloop the sockets are C's; this is the one place that every connection and pool comes through.
    def address(*_: Any, addr: Any = None, **__: Any) -> List[str]:
        return [address_of(addr)]

    module._connect_addr = _around(module._connect_addr, address, "postgres")


def _mysqlclient(module: Any) -> None:
    def address(_self: Any, *args: Any, **kwargs: Any) -> List[str]:
        host = kwargs.get("host") or (args[0] if args else "") or ""
        if not host or (host == "localhost" and "port" not in kwargs):
            return [str(kwargs.get("unix_socket") or "/var/run/mysqld/mysqld.sock")]
        return ["%s:%s" % (host, kwargs.get("port") or 3306)]

    plain = module.Connection.__init__
    module.Connection.__init__ = _around(plain, address, "mysql")


def _kafka(module: Any) -> None:
    def subclass(base: Any) -> Any:
        class Recorded(base):  # type: ignore[misc,valid-type]
            def __init__(self, *args: Any, **kwargs: Any):
                try:
                    settings = {**(args[0] if args and isinstance(args[0], dict) else {}), **kwargs}
                    servers = settings.get("bootstrap.servers") or settings.get("bootstrap_servers") or ""
                    for server in str(servers).split(","):
                        if server.strip():
                            touch(server.strip().rpartition("://")[2], "kafka")
                except Exception:
                    pass
                super().__init__(*args, **kwargs)

        Recorded.__name__ = Recorded.__qualname__ = base.__name__
        Recorded.__module__ = base.__module__
        return Recorded

    for name in ("Producer", "Consumer", "_AdminClientImpl"):
        if hasattr(module, name):
            setattr(module, name, subclass(getattr(module, name)))


def _grpc(module: Any) -> None:
    def address(target: str, *_: Any, **__: Any) -> List[str]:
        name = str(target).rpartition("///")[2]
        return [name[len("unix:"):] if name.startswith("unix:") else name]

    for name in ("insecure_channel", "secure_channel"):
        # A channel connects when it is first used; whoever opens one means to.
        setattr(module, name, _opened(getattr(module, name), address))


def _opened(call: Callable[..., Any], address: Callable[..., List[str]], driver: str = "") -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            for name in address(*args, **kwargs):
                touch(name, driver)
        except Exception:
            pass
        return call(*args, **kwargs)

    return wrapped


def _asyncio(module: Any) -> None:
    # A socket that does not block says later whether it was answered.
    plain = module.BaseSelectorEventLoop._sock_connect_cb

    @functools.wraps(plain)
    def answered(self: Any, fut: Any, sock: Any, address: Any) -> Any:
        result = plain(self, fut, sock, address)
        if fut.done() and not fut.cancelled():
            _settle_address(address, fut.exception() is None)
        return result

    module.BaseSelectorEventLoop._sock_connect_cb = answered


def _pylibmc(module: Any) -> None:
    def address(_self: Any, servers: Any = (), *_: Any, **__: Any) -> List[str]:
        return [name if ":" in name or name.startswith("/") else name + ":11211" for name in map(str, servers)]

    # It connects when it first asks for something.
    module.Client.__init__ = _opened(module.Client.__init__, address, "memcached")


def _glide(module: Any) -> None:
    # Its core is written in Rust and opens the sockets itself.
    def address(_class: Any, config: Any = None, *_: Any, **__: Any) -> List[str]:
        return ["%s:%s" % (node.host, node.port) for node in config.addresses]

    _wrap_class_method(module.BaseClient, "create", address, "redis")


def _mysql_connector(module: Any) -> None:
    def address(connection: Any, *_: Any, **__: Any) -> List[str]:
        if connection._unix_socket:
            return [str(connection._unix_socket)]
        return ["%s:%s" % (connection._host, connection._port)]

    owner = module.CMySQLConnection
    owner._open_connection = _around(owner._open_connection, address, "mysql")


def _mariadb(module: Any) -> None:
    def address(*_: Any, **kwargs: Any) -> List[str]:
        if kwargs.get("unix_socket"):
            return [str(kwargs["unix_socket"])]
        return ["%s:%s" % (kwargs.get("host") or "localhost", kwargs.get("port") or 3306)]

    module.connect = _around(module.connect, address, "mysql")


def _pymssql(module: Any) -> None:
    def address(server: Any = ".", *_: Any, **kwargs: Any) -> List[str]:
        host, _, port = str(kwargs.get("host") or server).replace(",", ":").partition(":")
        host = "localhost" if host in (".", "(local)") else host.partition("\\")[0]
        return ["%s:%s" % (host, port or kwargs.get("port") or "1433")]

    module.connect = _around(module.connect, address, "mssql")


def _pulsar(module: Any) -> None:
    def address(_self: Any, service_url: str = "", *_: Any, **__: Any) -> List[str]:
        hosts = str(service_url).rpartition("://")[2].partition("/")[0]
        return [host if ":" in host else host + ":6650" for host in hosts.split(",") if host]

    # It connects when it first sends or receives.
    module.Client.__init__ = _opened(module.Client.__init__, address)


def _temporal(module: Any) -> None:
    def address(target_host: str, *_: Any, **__: Any) -> List[str]:
        return [str(target_host)]

    module.Client.connect = staticmethod(_opened(module.Client.connect, address))


def _pyodbc(module: Any) -> None:
    def address(text: str = "", *_: Any, **kwargs: Any) -> List[str]:
        pairs = (part.split("=", 1) for part in text.split(";") if "=" in part)
        settings = {name.strip().lower(): value.strip() for name, value in pairs}
        host = settings.get("server") or settings.get("host") or ""
        host, _, port = host.replace("tcp:", "").partition(",")
        return ["%s:%s" % (host, port or settings.get("port") or "1433")] if host else []

    module.connect = _opened(module.connect, address)


DRIVERS: Dict[str, Callable[[Any], None]] = {
    "psycopg.connection": _psycopg,
    "psycopg.connection_async": _psycopg,
    "psycopg2": _psycopg2,
    "asyncio.selector_events": _asyncio,
    "asyncpg.connect_utils": _asyncpg,
    "MySQLdb.connections": _mysqlclient,
    "confluent_kafka.cimpl": _kafka,
    "grpc": _grpc,
    "grpc.aio": _grpc,
    "glide.glide_client": _glide,
    "glide_sync.glide_client": _glide,
    "mariadb": _mariadb,
    "mysql.connector.connection_cext": _mysql_connector,
    "pulsar": _pulsar,
    "pylibmc": _pylibmc,
    "pymssql": _pymssql,
    "temporalio.client": _temporal,
    "pyodbc": _pyodbc,
}


def _wrap_safely(wrap: Callable[[Any], None], module: Any) -> None:
    if getattr(module, "_shardplan_recorded", None) is state:
        return
    try:
        wrap(module)
        module._shardplan_recorded = state
    except Exception:
        # A driver of another version: its connections are not seen, and nothing else changes.
        pass


class _Finder:
    """Wraps a driver when it is first imported."""

    def __init__(self) -> None:
        self.busy: set = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        wrap = DRIVERS.get(name)
        if wrap is None or name in self.busy or not state.on:
            return None
        self.busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        finally:
            self.busy.discard(name)
        loader = getattr(spec, "loader", None)
        if loader is None or not hasattr(loader, "exec_module"):
            return spec
        plain = loader.exec_module

        def exec_module(module: Any) -> None:
            plain(module)
            _wrap_safely(wrap, module)

        try:
            loader.exec_module = exec_module
        except AttributeError:
            pass
        return spec

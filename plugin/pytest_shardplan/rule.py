"""Which shard runs a test: the same rule, to the byte, as ``src/plan/route.rs``.

docs/formats.md ("Which shard runs a test") defines it. This module imports nothing of pytest.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

try:
    import tomllib  # novm: where it is missing, tomli is
except ImportError:  # Python before 3.11, where pytest itself depends on tomli.
    import tomli as tomllib  # type: ignore[no-redef]

LOCK_VERSION = 1
LOCK_NAME = "shardplan.lock"


class LockError(Exception):
    """A lock that can not be used: what is wrong, and what to do about it."""


class Collected:
    """What the rule needs to know of a test."""

    __slots__ = ("id", "file", "markers", "fixtures")

    def __init__(self, id: str, file: str, markers: Iterable[str], fixtures: Iterable[str]):
        self.id = id
        self.file = file
        self.markers = frozenset(markers)
        self.fixtures = frozenset(fixtures)


class Pattern:
    """A folder, a file, a glob over files or the beginning of a node id."""

    __slots__ = ("text", "glob")

    def __init__(self, text: str):
        trimmed = text.strip()
        while trimmed.startswith("./"):
            trimmed = trimmed[2:]
        self.text = trimmed.rstrip("/") or "."
        is_glob = "::" not in self.text and any(c in self.text for c in "*?{")
        # Bytes, as globset reads them: `?` is one byte of a character that has several.
        self.glob = re.compile(glob_to_regex(self.text).encode("utf-8"), re.DOTALL) if is_glob else None

    def matches(self, id: str, file: str) -> bool:
        if self.glob is not None:
            return self.glob.fullmatch(file.encode("utf-8")) is not None
        if "::" in self.text:
            return _continues(id, self.text, ("::", "["))
        return self.text == "." or _continues(file, self.text, ("/",))

    def may_match_file(self, file: str) -> bool:
        """Returns whether some test of the file can match."""
        if "::" in self.text:
            return self.text.split("::", 1)[0] == file
        return self.matches(file, file)

    def matches_whole_file(self, file: str) -> bool:
        return "::" not in self.text and self.matches(file, file)


def _continues(text: str, start: str, separators: Tuple[str, ...]) -> bool:
    if not text.startswith(start):
        return False
    rest = text[len(start):]
    return not rest or rest.startswith(separators)


ANY_START = "(?:/?|.*/)"


def glob_to_regex(glob: str) -> str:
    """Returns the regular expression of a glob as globset with ``literal_separator`` reads it."""
    out: List[str] = []
    depth = 0
    at = 0
    while at < len(glob):
        c = glob[at]
        if c == "*":
            end = at
            while end < len(glob) and glob[end] == "*":
                end += 1
            before = at == 0 or glob[at - 1] == "/"
            after = end == len(glob) or glob[end] == "/"
            if end - at == 2 and before and after:
                if at == 0 and end == len(glob):
                    out.append(".*")
                elif at == 0:
                    out.append(ANY_START)
                    end += 1
                elif out and out[-1] == ANY_START:
                    end += 1
                    if end > len(glob):
                        out[-1] = ".*"
                elif end == len(glob):
                    out.pop()
                    out.append("/.*")
                else:
                    out.pop()
                    out.append("(?:/|/.*/)")
                    end += 1
            else:
                out.append("[^/]*" * (end - at))
            at = end
            continue
        if c == "?":
            out.append("[^/]")
        elif c == "{":
            out.append("(?:")
            depth += 1
        elif c == "}" and depth:
            out.append(")")
            depth -= 1
        elif c == "," and depth:
            out.append("|")
        elif c == "[":
            end = at + 1
            if end < len(glob) and glob[end] in "!^":
                end += 1
            if end < len(glob) and glob[end] == "]":
                end += 1
            while end < len(glob) and glob[end] != "]":
                end += 1
            inner = glob[at + 1:end]
            negated = inner[:1] in ("!", "^")
            members = inner[1:] if negated else inner
            members = members.replace("\\", "\\\\").replace("]", "\\]").replace("[", "\\[").replace("^", "\\^")
            out.append("[%s%s]" % ("^" if negated else "", members))
            at = end
        elif c == "\\" and at + 1 < len(glob):
            at += 1
            out.append(re.escape(glob[at]))
        else:
            out.append(re.escape(c))
        at += 1
    return "".join(out)


def marker_expression(text: str) -> Callable[[frozenset], bool]:
    """Returns what decides whether a set of marks satisfies the expression of ``-m``."""
    tokens = re.findall(r"[()]|[^\s()]+", text)
    position = 0

    def peek() -> Optional[str]:
        return tokens[position] if position < len(tokens) else None

    def take() -> str:
        nonlocal position
        token = peek()
        if token is None:
            raise LockError("the lock's marker expression %r ends too early" % text)
        position += 1
        return token

    def either():
        left = both()
        while peek() == "or":
            take()
            left = (lambda a, b: lambda marks: a(marks) or b(marks))(left, both())
        return left

    def both():
        left = inverse()
        while peek() == "and":
            take()
            left = (lambda a, b: lambda marks: a(marks) and b(marks))(left, inverse())
        return left

    def inverse():
        token = take()
        if token == "not":
            inner = inverse()
            return lambda marks: not inner(marks)
        if token == "(":
            inner = either()
            if take() != ")":
                raise LockError("the lock's marker expression %r lacks a parenthesis" % text)
            return inner
        return lambda marks: token in marks

    found = either()
    if peek() is not None:
        raise LockError("the lock's marker expression %r is not one" % text)
    return found


class Lane:
    def __init__(self, name: str, table: Optional[dict] = None):
        table = table or {}
        self.name = name
        self.paths = [Pattern(text) for text in table.get("paths", ())]
        self.exclude = [Pattern(text) for text in table.get("exclude", ())]
        expression = table.get("markers")
        self.markers = marker_expression(expression) if expression else None
        self.unit = table.get("unit", "file")
        self.shards: List[Shard] = []
        self.owners: Dict[str, Shard] = {}

    def selects(self, test: Collected) -> bool:
        def inside(patterns: List[Pattern]) -> bool:
            return any(pattern.matches(test.id, test.file) for pattern in patterns)

        return (
            (not self.paths or inside(self.paths))
            and not inside(self.exclude)
            and (self.markers is None or self.markers(test.markers))
        )

    def may_select_file(self, file: str) -> bool:
        """Returns whether the lane can select a test of the file, its marks and names not being known."""
        return (not self.paths or any(pattern.may_match_file(file) for pattern in self.paths)) and not any(
            pattern.matches_whole_file(file) for pattern in self.exclude
        )

    def owner(self, id: str) -> Optional["Shard"]:
        """Returns the shard of the longest selector that fits the id."""
        prefix = id
        while True:
            shard = self.owners.get(prefix)
            if shard is not None:
                return shard
            names = prefix.find("::")
            bracket = prefix.find("[", names if names >= 0 else len(prefix))
            if bracket >= 0:
                end = bracket
            else:
                # nextest parts a binary from its test by `$`.
                end = max(prefix.rfind("::"), prefix.rfind("$"))
                if end < 0:
                    end = prefix.rfind("/")
                if end < 0:
                    return None
            prefix = prefix[:end]


class Shard:
    __slots__ = ("name", "lane", "services", "units", "without", "at")

    def __init__(self, table: dict, at: int):
        self.name: str = table["name"]
        self.lane: str = table["lane"]
        self.services: Set[str] = set(table.get("services", ()))
        self.units: List[str] = list(table["units"])
        self.without: Set[str] = set(table.get("without", ()))
        self.at = at


class Service:
    def __init__(self, table: dict):
        self.name: str = table["name"]
        self.markers = frozenset(table.get("markers", ()))
        self.fixtures = frozenset(table.get("fixtures", ()))
        self.paths = [Pattern(text) for text in table.get("paths", ())]
        self.needs: List[str] = list(table.get("needs", ()))


class Route:
    """Where a test belongs, and whether the lock knew it."""

    __slots__ = ("shard", "known")

    def __init__(self, shard: Optional[Shard], known: bool):
        self.shard = shard
        self.known = known


class Lock:
    def __init__(self, table: dict, digest: str = ""):
        version = table.get("version")
        if version != LOCK_VERSION:
            raise LockError(
                "lock version %r is not known here: this plugin reads version %d; "
                "install the shardplan that wrote it" % (version, LOCK_VERSION)
            )
        self.digest = digest
        self.lanes: List[Lane] = [Lane(lane["name"], lane) for lane in table.get("lane", ())]
        self.services = [Service(service) for service in table.get("service", ())]
        self.shards = [Shard(shard, at) for at, shard in enumerate(table.get("shard", ()))]
        by_name = {lane.name: lane for lane in self.lanes}
        for shard in self.shards:
            lane = by_name.get(shard.lane)
            if lane is None:
                lane = by_name[shard.lane] = Lane(shard.lane)
                self.lanes.append(lane)
            lane.shards.append(shard)
            for unit in shard.units:
                lane.owners[unit] = shard
        self._needs = {service.name: service.needs for service in self.services}

    @classmethod
    def parse(cls, data: bytes) -> "Lock":
        try:
            table = tomllib.loads(data.decode("utf-8"))
        except ValueError as error:
            raise LockError("this is no lock: %s" % error) from error
        try:
            return cls(table, digest_of(data))
        except (KeyError, TypeError, AttributeError) as error:
            raise LockError("this is no lock: %r" % error) from error

    @classmethod
    def read(cls, path: Path) -> "Lock":
        try:
            data = path.read_bytes()
        except OSError as error:
            raise LockError("could not read the lock %s: %s" % (path, error)) from error
        try:
            return cls.parse(data)
        except LockError as error:
            raise LockError("%s: %s" % (path, error)) from error

    def shard(self, name: str) -> Shard:
        for shard in self.shards:
            if shard.name == name:
                return shard
        names = ", ".join(shard.name for shard in self.shards)
        raise LockError("the lock has no shard %r; its shards are %s" % (name, names or "none"))

    def requirement(self, test: Collected) -> Set[str]:
        """Returns the services that the lock's rules say a test needs."""
        open_services = [
            service.name
            for service in self.services
            if service.markers & test.markers
            or service.fixtures & test.fixtures
            or any(pattern.matches(test.id, test.file) for pattern in service.paths)
        ]
        found: Set[str] = set()
        while open_services:
            name = open_services.pop()
            if name not in found:
                found.add(name)
                open_services.extend(self._needs.get(name, ()))
        return found

    def route(self, test: Collected) -> Route:
        """Returns where a test belongs."""
        lanes = [lane for lane in self.lanes if lane.selects(test)]
        for lane in lanes:
            owner = lane.owner(test.id)
            if owner is not None:
                return Route(owner, True)
        for lane in lanes:
            if lane.shards:
                return Route(adopt(lane, test, self.requirement(test)), False)
        return Route(None, False)

    def may_run(self, shard: Shard, file: str) -> bool:
        """Returns whether the shard can run a test of the file: if not, it need not be imported."""
        lane = next(lane for lane in self.lanes if lane.name == shard.lane)
        if not lane.may_select_file(file):
            return False
        if lane.owner(file) in (None, shard):
            return True
        # The file belongs to another shard: only a finer selector can bring a part of it here.
        return file in _files_of(tuple(shard.units))


@lru_cache(maxsize=2)
def _files_of(units: Tuple[str, ...]) -> Set[str]:
    return {unit.split("::", 1)[0] for unit in units if "::" in unit}


def adopt(lane: Lane, test: Collected, needs: Set[str]) -> Shard:
    """Returns the shard of a test that no selector fits: of those that lack the fewest of the services it
    needs, the one with the greatest SHA-256 of the shard's name, a zero byte and the key."""
    key = adoption_key(lane.unit, test)
    fewest = min(len(needs - shard.services) for shard in lane.shards)
    able = [shard for shard in lane.shards if len(needs - shard.services) == fewest]
    return max(able, key=lambda shard: weight(shard.name, key))


def adoption_key(unit: str, test: Collected) -> str:
    """Returns what is hashed: tests that the lane moves as one share it."""
    if unit == "test":
        return test.id
    if unit == "class" and test.id.startswith(test.file):
        return class_of(test.id)
    return test.file


def class_of(id: str) -> str:
    # A folder may hold brackets, and parameters `::`.
    names = id.find("::")
    if names < 0:
        return id
    bracket = id.find("[", names)
    before_parameters = id if bracket < 0 else id[:bracket]
    return before_parameters.rpartition("::")[0]


def weight(shard: str, key: str) -> bytes:
    return hashlib.sha256(shard.encode("utf-8") + b"\0" + key.encode("utf-8")).digest()


def digest_of(data: bytes) -> str:
    """Returns the identity of a lock: what Git does to line ends changes nothing."""
    return "sha256:" + hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def plain(text: str) -> str:
    """Returns the text as UTF-8 can hold it: file names may have bytes that are no text."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def find_lock(start: Path, fallbacks: Sequence[Path] = ()) -> Optional[Path]:
    """Returns the nearest lock in a folder or above it."""
    for folder in (start, *start.parents, *fallbacks):
        path = folder / LOCK_NAME
        if path.is_file():
            return path
    return None

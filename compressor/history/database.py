"""The file that a history is: SQLite, one file, safe against several processes at once.

    entries       a run or a bench: number, name, kind, time
    measurements  a model on a target, of one entry; `digest` keeps any from being there twice
    figures       a value each: workload, figure, better
    machines      fingerprint -> in words

`application_id` tells it from other programs' files, `user_version` is the version of these tables. SQLite's ordinary
journal serves rather than WAL: writers are few and quick, it works on network drives, and the history stays one file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from compressor.errors import CompressorError, DataError, DiskFull
from compressor.history.results import Added, Entry, EntrySummary, Measured, Point, Series, SeriesKey

__all__ = ["SCHEMA_VERSION", "History"]

APPLICATION = 0x436D5048
SCHEMA_VERSION = 1
"""Of the tables. A file of a newer one is refused."""
WAIT_SECONDS = 60.0
"""For other processes that write."""
OTHER_FILE = "Name another file: --history FILE, or the variable COMPRESSOR_HISTORY."

TABLES = """
CREATE TABLE machines (fingerprint TEXT PRIMARY KEY, words TEXT NOT NULL);
CREATE TABLE entries (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, time TEXT NOT NULL, added TEXT NOT NULL
);
CREATE TABLE measurements (
    number INTEGER PRIMARY KEY, entry INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
    digest TEXT NOT NULL UNIQUE, variant TEXT NOT NULL, target TEXT NOT NULL,
    machine TEXT NOT NULL REFERENCES machines, time TEXT NOT NULL, git TEXT, versions TEXT NOT NULL
);
CREATE TABLE figures (
    measurement INTEGER NOT NULL REFERENCES measurements ON DELETE CASCADE,
    workload TEXT NOT NULL, figure TEXT NOT NULL, better TEXT NOT NULL, value REAL NOT NULL,
    PRIMARY KEY (measurement, workload, figure)
) WITHOUT ROWID;
CREATE INDEX entries_by_time ON entries (time);
CREATE INDEX entries_by_name ON entries (name, time);
CREATE INDEX measurements_by_entry ON measurements (entry);
"""


class History:
    """The figures of runs and benches in one file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def prepare(self) -> None:
        """Make the file where there is none, and see that it can be written, before hours are spent on a figure.

        Raises:
            DataError: it is no history, is of a newer version, or can't be written.
        """
        with self._writing():
            pass

    def add(self, entries: Sequence[Entry]) -> list[Added]:
        """Keep entries, all or none of them; measurements that are there already are left out.

        Raises:
            DataError: the file is no history, is of a newer version, or can't be written.
            DiskFull: there is no room.
        """
        with self._writing() as database:
            return [_add(database, entry) for entry in entries]

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove entries with all their figures.

        Raises:
            DataError: there is none of such a number; none is removed then. Else as `add`.
        """
        self._require()
        with self._writing() as database:
            for number in numbers:
                if not database.execute("DELETE FROM entries WHERE number = ?", (number,)).rowcount:
                    raise DataError(f"{self.file} has no entry {number}.", hint="See: compressor history list")

    def entries(self, name: str | None = None, limit: int | None = None) -> tuple[list[EntrySummary], int]:
        """The newest entries, newest first, and how many there are in all.

        Raises:
            DataError: there is no such file, or it is no history.
        """
        where, given = ("WHERE name = ?", [name]) if name is not None else ("", [])
        with self._reading() as database:
            (count,) = database.execute(f"SELECT count(*) FROM entries {where}", given).fetchone()
            rows = database.execute(
                f"SELECT number, time, name, kind FROM entries {where} ORDER BY time DESC, number DESC LIMIT ?",
                [*given, -1 if limit is None else limit],
            ).fetchall()
            return [_summary(database, *row) for row in rows], count

    def names(self) -> list[str]:
        """Names of entries, in alphabetical order."""
        with self._reading() as database:
            return [name for (name,) in database.execute("SELECT DISTINCT name FROM entries ORDER BY name")]

    def series(
        self,
        names: Collection[str] = (),
        figures: Collection[str] = (),
        *,
        variants: Collection[str] = (),
        targets: Collection[str] = (),
        since: str | None = None,
        newest: int | None = None,
    ) -> list[Series]:
        """Values over time, a series for each combination of what makes them comparable. Empty collections mean all.

        Args:
            since: a time (`2026-11-30`), or the beginning of a commit: values from then on.
            newest: at most so many values of a series, the newest.

        Raises:
            DataError: there is no such file or commit, or it is no history.
        """
        filters = {"e.name": names, "f.figure": figures, "m.variant": variants, "m.target": targets}
        where = [f"{column} IN ({','.join('?' * len(values))})" for column, values in filters.items() if values]
        given: list[Any] = [value for values in filters.values() for value in values]
        with self._reading() as database:
            if since is not None:
                where.append("m.time >= ?")
                given.append(_moment(database, since, self.file))
            return list(_series(database, " AND ".join(where) or "1", given, newest))

    def _require(self) -> None:
        if not self.file.is_file():
            raise DataError(
                f"There is no history at {self.file}.",
                hint="`compressor history add REPORT.json` makes one; --history or COMPRESSOR_HISTORY names another.",
            )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._require()
        # Not read-only: what a writer that was killed left half-done must be undone first. It makes no file.
        with self._explained(), closing(self._connect(f"{self.file.absolute().as_uri()}?mode=rw")) as database:
            if self._check(database) == 0:
                raise DataError(f"{self.file} is empty, not a history.", hint=OTHER_FILE)
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: what fails leaves the file as it was."""
        with self._explained():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect(self.file.absolute().as_uri())) as database:
                # At once the only writer, so that nobody changes what this one has read.
                database.execute("BEGIN IMMEDIATE")
                try:
                    if self._check(database) == 0:
                        for statement in TABLES.split(";"):
                            database.execute(statement)
                        database.execute(f"PRAGMA application_id = {APPLICATION}")
                        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")

    @staticmethod
    def _connect(uri: str) -> sqlite3.Connection:
        database = sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None)
        database.execute("PRAGMA foreign_keys = ON")
        return database

    def _check(self, database: sqlite3.Connection) -> int:
        """The version of its tables; 0 of a file that is empty."""
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not application and not version and not tables:
            return 0
        if application != APPLICATION:
            raise DataError(f"{self.file} is a database of another program, not a history.", hint=OTHER_FILE)
        if version > SCHEMA_VERSION:
            raise DataError(
                f"The history {self.file} has schema version {version}; this compressor knows versions up to "
                f"{SCHEMA_VERSION}.",
                hint="A newer compressor wrote it: use that one, or name another file with --history.",
            )
        return int(version)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of SQLite and of the system in words, with the file."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code == sqlite3.SQLITE_FULL:
                raise DiskFull(f"The disk is full: {self.file} can't be written.", hint=OTHER_FILE) from error
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise CompressorError(
                    f"Another process has kept the history {self.file} to itself for more than {WAIT_SECONDS:g} s.",
                    hint="Add the report once that process has ended: compressor history add REPORT.json",
                ) from error
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise DataError(f"{self.file} is no history, or a damaged one: {error}.", hint=OTHER_FILE) from error
            raise DataError(f"The history {self.file} can't be used: {error}.", hint=OTHER_FILE) from error
        except OSError as error:
            raise DataError(
                f"The history {self.file} can't be used: {error.strerror or error}.", hint=OTHER_FILE
            ) from error


def _add(database: sqlite3.Connection, entry: Entry) -> Added:
    known = [one for one in entry.measurements if _is_known(database, one.digest)]
    fresh = [one for one in entry.measurements if one not in known]
    if fresh:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = (entry.name, entry.kind, entry.time, now)
        number = database.execute("INSERT INTO entries (name, kind, time, added) VALUES (?, ?, ?, ?)", row).lastrowid
        for one in fresh:
            _add_measured(database, number, one)
    return Added(entry.name, len(fresh), len(known))


def _is_known(database: sqlite3.Connection, digest: str) -> bool:
    return database.execute("SELECT 1 FROM measurements WHERE digest = ?", (digest,)).fetchone() is not None


def _add_measured(database: sqlite3.Connection, entry: int | None, one: Measured) -> None:
    database.execute("INSERT OR IGNORE INTO machines VALUES (?, ?)", (one.machine, one.machine_name))
    row = (entry, one.digest, one.variant, one.target, one.machine, one.time, one.commit, json.dumps(one.versions))
    number = database.execute(
        "INSERT INTO measurements (entry, digest, variant, target, machine, time, git, versions) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    ).lastrowid
    rows = [(number, value.workload, value.figure, value.better, value.value) for value in one.values]
    database.executemany("INSERT OR REPLACE INTO figures VALUES (?, ?, ?, ?, ?)", rows)


def _summary(database: sqlite3.Connection, number: int, time: str, name: str, kind: Any) -> EntrySummary:
    rows = database.execute(
        "SELECT variant, target, machine, git, (SELECT count(*) FROM figures WHERE measurement = m.number) "
        "FROM measurements m WHERE entry = ? ORDER BY number",
        (number,),
    ).fetchall()
    variants, targets, machines, commits = (tuple(dict.fromkeys(row[i] for row in rows)) for i in range(4))
    commit = next((one for one in commits if one), None)
    return EntrySummary(number, time, name, kind, commit, variants, targets, machines, sum(row[4] for row in rows))


def _moment(database: sqlite3.Connection, since: str, file: Path) -> str:
    """The time that is meant: times are dates or longer, everything else is the beginning of a commit."""
    if len(since) >= 10 and since[4:5] == "-" == since[7:8]:
        return since
    query = "SELECT min(time) FROM measurements WHERE substr(git, 1, ?) = ?"
    (found,) = database.execute(query, (len(since), since)).fetchone()
    if found is None or not since:
        raise DataError(
            f"No measurement in {file} is of a commit that begins with {since!r}.",
            hint="Give a commit that `compressor history list` shows, or a date: 2026-11-30",
        )
    return str(found)


def _series(database: sqlite3.Connection, where: str, given: Sequence[Any], newest: int | None) -> Iterator[Series]:
    kind = "e.name, e.kind, m.variant, m.target, f.workload, f.figure, m.machine"
    rows = database.execute(
        f"SELECT * FROM (SELECT {kind}, f.better, w.words, e.number, m.time, m.git, f.value, m.versions, "
        f"m.number AS at, row_number() OVER (PARTITION BY {kind} ORDER BY m.time DESC, m.number DESC) AS age "
        "FROM figures f JOIN measurements m ON m.number = f.measurement JOIN entries e ON e.number = m.entry "
        f"JOIN machines w ON w.fingerprint = m.machine WHERE {where}) WHERE age <= ? "
        "ORDER BY 1, 2, 3, 4, 5, 6, 7, time, at",
        [*given, 1 << 62 if newest is None else newest],
    )
    versions = lru_cache(maxsize=1024)(json.loads)
    for key, group in groupby(rows, key=lambda row: row[:7]):
        own = list(group)
        points = tuple(Point(row[9], row[10], row[11], row[12], versions(row[13])) for row in own)
        yield Series(SeriesKey(*key), own[-1][7], own[-1][8], points)

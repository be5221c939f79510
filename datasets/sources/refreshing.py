"""One refresh of a data set: bring the hand-over here, read it like an uploaded file, make the version ready."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from datasets import storage
from datasets.connectors._base import Ask, Config
from datasets.ingestion.read_file import ReadFile, read_file
from datasets.models import DatasetVersion, Feed
from datasets.sources import feeds as feed_services
from datasets.sources import handover
from datasets.sources.drift import Drift
from jobs.context import JobContext
from jobs.errors import JobFailed

# Of the job's progress, what bringing the data here counts for.
_BROUGHT = 0.3


class Refresh:
    """`bring` needs the source; `finish` needs it no more."""

    def __init__(self, ctx: JobContext, feed: Feed, version: DatasetVersion) -> None:
        self.ctx, self.feed, self.version = ctx, feed, version
        self.file = ctx.workdir / "source"
        self.filename = ""
        self.newest: str | None = None
        self.notes: list[str] = []
        self.origin: dict[str, Any] = {
            "feed": str(feed.pk), "source": str(feed.source_id), "connector": feed.source.connector,
            "place": feed.source.place, "table": feed.table, "mode": "full",
            "query_sha256": hashlib.sha256(feed.query.encode()).hexdigest() if feed.query else "",
        }  # fmt: skip
        ready = feed.dataset.versions.filter(state="ready", origin__feed=str(feed.pk))
        self.before: DatasetVersion | None = ready.order_by("-number").first()
        self._rows = 0
        if self.before is not None and not self.before.source_key:
            said = "Rows were erased from the version before; what the source still holds of them is here again."
            self.notes.append(said)

    def bring(self, config: Config) -> None:
        """Read the source into a file."""
        declared = self.feed.source.declared
        if declared.fetch is not None:
            fetched = declared.fetch(config, self.feed.table, self.file, self._fetched)
            self.filename = fetched.filename
            self.origin["etag"] = fetched.etag
            return
        self.filename = f"{(self.feed.table or 'query')[:240]}.parquet"
        if not self._bring_changes(config):
            self._bring_all(config)
        self.origin |= {"cursor": self.feed.cursor, "until": self.newest or ""}

    def _bring_all(self, config: Config) -> None:
        done = self._read(config, self.file, self._ask())
        if not done.rows:
            raise JobFailed("no_rows", "The table has no rows.", "Choose another table, or come back when it has some.")
        self.newest = done.newest
        self.notes += done.notes
        if self.feed.mode == "changes":
            self._only_newest(self.file)

    def _bring_changes(self, config: Config) -> bool:
        """Read what changed since the last time into the table as it was; False where everything must be read."""
        feed, before = self.feed, self.before
        if feed.mode != "changes" or not feed.newest or before is None or not before.source_key:
            return False
        changes = self.file.with_name("changes")
        with storage.local(before.source_key) as table:
            types = handover.types_of(table)
            if not {feed.cursor, *feed.keys} <= set(types):
                return False
            since = handover.earlier(feed.newest, types[feed.cursor], feed.overlap)
            texts = [name for name, kind in types.items() if kind == "text"]
            done = self._read(config, changes, self._ask(since=since), texts)
            if done.rows and handover.types_of(changes) != types:
                self.notes.append("Columns changed at the source, so that the whole table was read again.")
                return False
            self._only_newest(changes)
            present = self._present(config, feed) if feed.deletes == "remove" else None
            merged = handover.merge(table, changes, self.file, keys=feed.keys, present=present)
        self.notes += done.notes
        self.newest = max_of(done.newest, feed.newest, types[feed.cursor])
        if merged.added == merged.changed == merged.removed == 0:
            # Nothing is different: the version's file is the one before, byte for byte.
            storage_copy(before.source_key, self.file)
        self._tell(merged, since)
        return True

    def _tell(self, merged: handover.Merged, since: str) -> None:
        counts = {"added": merged.added, "changed": merged.changed, "removed": merged.removed}
        self.origin |= {"mode": "changes", "since": since, **counts}
        deleted = (
            f"{merged.removed:,} were deleted there and removed here"
            if self.feed.deletes == "remove"
            else "rows deleted there are not noticed and stay"
        )
        self.notes.append(
            f"Read the rows from {self.feed.cursor} = {since} on: {merged.added:,} are new, {merged.changed:,} replaced one"
            f" with the same key; {deleted}."
        )

    def _present(self, config: Config, feed: Feed) -> Path:
        """The keys that are still there."""
        target = self.file.with_name("present")
        self._read(config, target, Ask(feed.table, feed.query, tuple(feed.keys)))
        return target

    def _only_newest(self, table: Path) -> None:
        scratch = table.with_name(f"{table.name}.newest")
        dropped = handover.newest_of_each(table, scratch, keys=self.feed.keys, cursor=self.feed.cursor)
        if dropped:
            scratch.replace(table)
            self.notes.append(f"{dropped:,} rows had the key of a newer one and were dropped.")

    def _ask(self, since: str | None = None) -> Ask:
        feed = self.feed
        return Ask(feed.table, feed.query, tuple(feed.columns), feed.cursor if feed.mode == "changes" else "", since)

    def _read(self, config: Config, target: Path, ask: Ask, texts: list[str] | None = None) -> handover.Handover:
        read_batches = self.feed.source.declared.read_batches
        with read_batches(config, ask) as stream:
            return handover.write(stream, target, cursor=ask.cursor, texts=texts or (), tick=self._came)

    def _came(self, rows: int) -> None:
        self._rows += rows
        self.ctx.step(_BROUGHT / 2, f"{self._rows:,} rows read from the source")

    def _fetched(self, size: int) -> None:
        self._rows += size
        self.ctx.step(_BROUGHT / 2, f"{self._rows / 1e6:,.1f} MB fetched")

    def finish(self) -> dict[str, Any]:
        """Make a version of the file, unless it is the same as the one before."""
        source = storage.keep_path(self.file, "sources")
        if self.before is not None and self.before.source_sha256 == source.sha256:
            result = {"unchanged": True}
            with self.ctx.effect(result):
                feed_services.nothing_new(self.feed, self.version, newest=self.newest)
            return result
        version = self.version
        version.source_key, version.source_sha256 = source.key, source.sha256
        version.source_bytes, version.source_name = source.size, self.filename[-255:]
        version.origin = self.origin
        how: dict[str, Any] = {"filename": self.filename, "options": self.feed.options, "progress": self._reading}
        with read_file(self.ctx, self.file, **how) as read, self.ctx.effect(read.result):
            self._complete(read)
        return read.result

    def _reading(self, fraction: float, note: str) -> None:
        self.ctx.step(_BROUGHT + (0.95 - _BROUGHT) * fraction, note)

    def _complete(self, read: ReadFile) -> None:
        if self.before is not None:
            drift = Drift.between(self.before.schema, read.report.schema.to_json())
            self.version.origin["drift"] = drift.to_json()
            self.notes += drift.sentences(self.feed.dataset)
        read.report.notes[:0] = self.notes
        feed_services.complete(self.feed, self.version, read, newest=self.newest)


def max_of(one: str | None, other: str, kind: str) -> str:
    """The larger of two values of the cursor."""
    if one is None:
        return other
    return max(one, other, key=float) if kind in {"integer", "number"} else max(one, other)


def storage_copy(key: str, target: Path) -> None:
    """The stored bytes as a file of the work folder."""
    with target.open("wb") as out:
        for chunk in storage.chunks(key):
            out.write(chunk)

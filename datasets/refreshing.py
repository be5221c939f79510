"""One refresh of a data set: bring the hand-over here, read it like an uploaded file, make the version ready."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import feed_services, handover, storage
from datasets.connectors._base import Ask, Config
from datasets.errors import UnreadableFile
from datasets.models import DatasetVersion, Feed
from jobs.context import JobContext
from jobs.errors import JobFailed

Progress = Callable[[float, str], None]


class Refresh:
    """`bring` needs the source; `finish` needs it no more."""

    def __init__(self, ctx: JobContext, feed: Feed, version: DatasetVersion, progress: Progress) -> None:
        self.ctx, self.feed, self.version, self.progress = ctx, feed, version, progress
        self.file = ctx.workdir / "source"
        self.filename = ""
        self.newest: str | None = None
        self.notes: list[str] = []
        self.origin: dict[str, Any] = {}
        ready = feed.dataset.versions.filter(state="ready", origin__feed=str(feed.pk))
        self.before: DatasetVersion | None = ready.exclude(pk=version.pk).order_by("-number").first()

    def bring(self, config: Config) -> None:
        """Read the source into a file."""
        declared = self.feed.source.declared
        self.origin = {
            "feed": str(self.feed.pk), "source": str(self.feed.source_id), "connector": declared.name,
            "place": self.feed.source.place, "table": self.feed.table,
            "query_sha256": hashlib.sha256(self.feed.query.encode()).hexdigest() if self.feed.query else "",
        }  # fmt: skip
        if declared.read_batches is not None:
            self._bring_table(config, declared.read_batches)
        else:
            self._bring_file(config, declared.fetch)

    def _bring_table(self, config: Config, read_batches: Any) -> None:
        rows = 0

        def tick(count: int) -> None:
            nonlocal rows
            rows += count
            self.progress(0.3, f"{rows:,} rows read from the source")

        ask = Ask(self.feed.table, self.feed.query, tuple(self.feed.columns), self.feed.cursor)
        with read_batches(config, ask) as stream:
            done = handover.write(stream, self.file, cursor=self.feed.cursor, tick=tick)
        self.filename = f"{(self.feed.table or 'query')[:240]}.parquet"
        self.newest, self.notes = done.newest, done.notes
        self.origin |= {"mode": "full", "cursor": self.feed.cursor, "until": done.newest or ""}
        if not done.rows:
            raise JobFailed("no_rows", "The table has no rows.", "Choose another table, or come back when it has some.")

    def _bring_file(self, config: Config, fetch: Any) -> None:
        size = 0

        def tick(count: int) -> None:
            nonlocal size
            size += count
            self.progress(0.3, f"{size / 1e6:,.1f} MB fetched")

        fetched = fetch(config, self.feed.table, self.file, tick)
        self.filename = fetched.filename
        self.origin |= {"mode": "full", "etag": fetched.etag}

    def finish(self) -> dict[str, Any] | None:
        """Make a version of the file, unless it is the same as the one before."""
        source = storage.keep_path(self.file, "sources")
        if self.before is not None and self.before.source_sha256 == source.sha256:
            result = {"unchanged": True}
            with self.ctx.effect(result):
                feed_services.nothing_new(self.feed, self.version, newest=self.newest)
            return result
        self.version.source_key, self.version.source_sha256 = source.key, source.sha256
        self.version.source_bytes, self.version.source_name = source.size, self.filename
        self.version.origin = self.origin
        return self._read(self.file)

    def _read(self, file: Path) -> dict[str, Any]:
        from datasets.ingest import ingest
        from datasets.profile import profile

        target, rejects = self.ctx.workdir / "rows", self.ctx.workdir / "rejects.csv"
        try:
            report = ingest(
                file, target, rejects, filename=self.filename, options=self.feed.options,
                progress=lambda fraction, note: self.progress(0.3 + 0.65 * fraction, note),
            )  # fmt: skip
        except UnreadableFile as error:
            raise JobFailed(error.code, error.detail, error.hint) from None
        report.notes[:0] = self.notes
        for note in report.notes[:50]:
            self.ctx.log(note)
        self.progress(0.96, "Profile of all rows")
        figures = profile(target, report.schema)
        key = storage.keep_table(target, report.manifest)
        rejects_key = storage.keep_path(rejects, "rejects").key if report.sets_aside else ""
        result = {"rows": report.rows, "columns": report.columns, "rejected_rows": report.rejected_rows}
        with self.ctx.effect(result):
            feed_services.complete(
                self.feed, self.version, report=report, profile=figures, key=key, rejects_key=rejects_key,
                newest=self.newest,
            )  # fmt: skip
        storage.keep_table(target, report.manifest)  # see datasets.tasks.ingest
        return result

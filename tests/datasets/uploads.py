"""Files to upload, and the shortest way from bytes to a ready version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

PEOPLE_CSV = b"name,age,income,member\nAda,36,1200.5,true\nBo,,900,false\nCy,51,NA,true\n"


def upload(content: bytes = PEOPLE_CSV, name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/csv")


def post_dataset(client: Any, content: bytes = PEOPLE_CSV, department: str = "credit-risk", **fields: Any) -> Any:
    """POST a file as a new data set."""
    file = upload(content, fields.pop("filename", "people.csv"))
    body = {"file": file, "department": department, "name": "People", **fields}
    return client.post("/api/v1/datasets/", body, format="multipart")


def read(tmp_path: Path, content: bytes, filename: str = "table.csv", **options: Any) -> Any:
    """Run the reader on bytes: (report, rows as dicts, rejected lines as dicts)."""
    import csv

    import pyarrow.parquet as pq

    from datasets.ingestion.ingest import ingest

    source, target, rejects = (tmp_path / name for name in ("source", "rows.parquet", "rejects.csv"))
    source.write_bytes(content)
    report = ingest(source, target, rejects, filename=filename, options=options, progress=lambda fraction, note: None)
    rejected = list(csv.DictReader(rejects.open(encoding="utf-8"))) if rejects.exists() else []
    return report, pq.read_table(target).to_pylist(), rejected

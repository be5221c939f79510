"""Reading streams: ten times the rows take no more memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import sys
from pathlib import Path
from datasets.formats import _lines
from datasets.ingestion.ingest import ingest

_lines.BLOCK = 1 << 18
folder = Path(sys.argv[1])
ingest(folder / "t.csv", folder / "rows", folder / "rejects.csv", filename="t.csv", options={}, progress=lambda f, n: None)
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def peak_mb(rows: int) -> float:
        with (tmp_path / "t.csv").open("w") as file:
            file.write("id,amount,word,day\n")
            file.writelines(f"{i},{i * 0.37:.4f},word{i % 977},2024-01-{i % 28 + 1:02}\n" for i in range(rows))
        done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], check=True, capture_output=True, text=True)
        return int(done.stdout) / 1024

    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
    few = peak_mb(200_000)
    many = peak_mb(2_000_000)
    assert many < few + 60, "1.8 million rows more are 126 MB as text and values"

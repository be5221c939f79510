"""How long a written model takes for one row: what a single prediction waits for, without its preparation."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from training.engine.artifact import Model

WARM, MEASURED = 20, 200


def one_row_ms(folder: Path, task: str) -> float:
    """The median over `MEASURED` answers for one row, in milliseconds, on one thread."""
    import numpy as np

    model = Model(folder, task)
    width = model.session.get_inputs()[0].shape[1]
    row = np.zeros((1, width if isinstance(width, int) else 1))
    taken = []
    for _turn in range(WARM + MEASURED):
        started = time.perf_counter()
        model.predict(row)
        taken.append(time.perf_counter() - started)
    return 1000.0 * median(taken[WARM:])

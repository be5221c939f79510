"""One of the other ranks of a training over several processes: `python -m training.engine.rank FOLDER`."""

import sys
from pathlib import Path

from training.engine.distributed import main

main(Path(sys.argv[1]))

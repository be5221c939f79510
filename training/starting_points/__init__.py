"""Starting points: one file for each use that a department may begin with, from its data to a model and how to read it."""

from plugins.registry import Registry
from training.starting_points._base import StartingPoint

STARTING_POINTS: Registry[StartingPoint] = Registry("training.starting_points", "STARTING_POINT")

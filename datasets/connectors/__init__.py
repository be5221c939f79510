"""Outside systems that data comes from: one file each."""

from datasets.connectors._base import Connector
from plugins.registry import Registry

CONNECTORS: Registry[Connector] = Registry("datasets.connectors", "CONNECTOR")

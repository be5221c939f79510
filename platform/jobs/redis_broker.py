"""kombu's Redis transport, made safe against a Redis that goes away while a worker is busy.

The original counts a message whose acknowledgement could not be sent as unacknowledged for ever. A worker that holds as
many as it may prefetch then never asks for another one, and never notices that Redis is back. An unsent acknowledgement
costs nothing here: the row of the job is the truth, and a message that comes twice is ignored.
"""

from __future__ import annotations

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except Exception:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel

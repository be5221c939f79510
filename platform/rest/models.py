"""What the REST ground remembers: answers to keyed requests."""

from django.db import models


class IdempotencyRecord(models.Model):
    """The answer to one POST, kept so that its repetition is answered and not done again."""

    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.caller}:{self.key}"

"""What happens to uploads: begun, appended to, given up, turned into data sets, purged."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.http import Http404, UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from datasets import services, storage
from datasets.models import Dataset, DatasetVersion, Upload, VersionState
from datasets.uploads import store as upload_store
from departments.access import Actor, Verb, require, require_in
from departments.models import Department
from departments.quotas import services as quotas
from rest.problems import Refused

CHECKSUMS = ("sha256", "sha1")
PART = 256 << 10
# What has arrived is flushed to disk, and said to be there, every so many bytes: as much may be lost with the machine.
SETTLED_EVERY = 16 << 20
# A client that sends nothing for so many seconds is taken for gone; at once when it came back on another connection.
SILENCE = 60.0
# Left free on the disk, for everything else that the platform writes.
SPARE_BYTES = 256 << 20
MAX_OPEN = 200


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes

    @classmethod
    def parse(cls, header: str) -> Checksum:
        """Read `sha256 <base64>`."""
        algorithm, _space, text = header.partition(" ")
        with suppress(binascii.Error, ValueError):
            if algorithm in CHECKSUMS and (digest := base64.b64decode(text, validate=True)):
                return cls(algorithm, digest)
        raise Refused("bad_checksum", _("Upload-Checksum names sha256 or sha1, and a digest in Base64."), status=400)


def begin_upload(
    *,
    actor: Actor,
    filename: str,
    length: int,
    department: Department,
    dataset: Dataset | None = None,
    metadata: str = "",
) -> Upload:
    """Make room for a file of `length` bytes, which then comes in parts. Nothing becomes a data set by this."""
    require_in(actor, Verb.CREATE, department)
    if dataset is not None:
        require(actor, Verb.EDIT, dataset)
    if not length:
        raise services.empty_file()
    services.check_size(length)
    quotas.require(department, "storage", length)
    _check_room(actor, length)
    with transaction.atomic():
        upload: Upload = Upload.objects.create(
            department=department, dataset=dataset, filename=services.label(filename) or "file", length=length,
            metadata=metadata, expires_at=_expiry(), created_by_id=cast(UUID, actor.person_id),
        )  # fmt: skip
        record("upload.begin", upload, details={"bytes": length})
    upload_store.path_of(upload.pk).parent.mkdir(exist_ok=True)
    upload_store.path_of(upload.pk).touch(mode=0o600)
    return upload


def _check_room(actor: Actor, length: int) -> None:
    if Upload.objects.filter(created_by_id=actor.person_id).count() >= MAX_OPEN:
        detail = _("You have %d uploads that are not imported yet. Import or delete some of them first.") % MAX_OPEN
        raise Refused("too_many_uploads", detail, status=409)
    if shutil.disk_usage(settings.HOME).free < length + SPARE_BYTES:
        detail = _("The server has no room for a file of this size. Tell your administrator.")
        raise Refused("no_room", detail, status=507)


def _expiry() -> Any:
    return timezone.now() + timedelta(hours=settings.UPLOAD_KEPT_HOURS)


def append(
    *, actor: Actor, upload: Upload, offset: int, read: Callable[[int], bytes], checksum: Checksum | None = None
) -> Upload:
    """Add the bytes that `read` gives to the end of an upload; what arrives before the connection breaks is kept.

    Raises Refused: 409 when `offset` is not where the upload ends, 423 while another request writes, 413 for more bytes
    than were announced, 460 when they do not hash to `checksum`.
    """
    require(actor, Verb.CREATE, upload)
    try:
        with upload_store.locked(upload.pk) as file:
            _check_offset(upload, offset)
            _Arrival(upload, file, checksum).take(read)
    except upload_store.Busy:
        detail = _("Another request writes to this upload. Ask for its offset and go on from there.")
        raise Refused("upload_locked", detail, status=423) from None
    if upload.is_whole:
        record("upload.finish", upload, details={"bytes": upload.length, "sha256": upload.sha256})
    return upload


def _check_offset(upload: Upload, offset: int) -> None:
    """What another request has appended, or deleted, is known only under the lock."""
    try:
        upload.refresh_from_db()
    except Upload.DoesNotExist:
        upload_store.discard(upload.pk)
        raise Http404 from None
    if upload.offset != offset:
        detail = _("The upload has %(has)d bytes, and the request goes on at %(offset)d. Go on at its end.")
        raise Refused("wrong_offset", detail % {"has": upload.offset, "offset": offset}, status=409)


class _Arrival:
    """The bytes of one request on their way to the file, whose lock is held."""

    def __init__(self, upload: Upload, file: int, checksum: Checksum | None) -> None:
        self.upload, self.file, self.checksum = upload, file, checksum
        self.start = self.end = upload.offset
        self.whole = upload_store.DIGESTS.take(upload.pk, self.start)
        self.check = hashlib.new(checksum.algorithm) if checksum else None
        os.ftruncate(file, self.start)  # bytes that were never said to be there, after a crash

    def take(self, read: Callable[[int], bytes]) -> None:
        is_cut = False
        try:
            while part := self._next(read):
                self._add(part)
        except UnreadablePostError:
            is_cut = True
        self._verify(is_cut)
        self._settle()
        if self.whole is not None and not self.upload.is_whole:
            upload_store.DIGESTS.keep(self.upload.pk, self.end, self.whole)

    def _next(self, read: Callable[[int], bytes]) -> bytes:
        """The next bytes; waits for a slow client, but not while it waits itself on another connection."""
        began = time.monotonic()
        while True:
            try:
                return read(PART)
            except UnreadablePostError as error:
                is_silent = isinstance(error.__cause__, TimeoutError)
                waited = time.monotonic() - began
                if not is_silent or waited > SILENCE or upload_store.is_wanted(self.upload.pk):
                    raise

    def _add(self, part: bytes) -> None:
        if self.end + len(part) > self.upload.length:
            os.ftruncate(self.file, self.upload.offset)
            detail = _("More bytes came than the %d that were announced.") % self.upload.length
            raise Refused("too_long", detail, status=413)
        upload_store.write(self.file, part, self.end)
        self.end += len(part)
        for digest in (self.whole, self.check):
            if digest is not None:
                digest.update(part)
        # What is to be checked as a whole does not count before that.
        if self.check is None and self.end - self.upload.offset >= SETTLED_EVERY:
            self._settle()

    def _verify(self, is_cut: bool) -> None:
        if self.checksum is None or (not is_cut and self.check and self.check.digest() == self.checksum.digest):
            return
        os.ftruncate(self.file, self.start)
        self.whole, self.end = None, self.start
        if not is_cut:
            detail = _("The bytes are not those that the checksum names. They were discarded: send them again.")
            raise Refused("checksum_mismatch", detail, status=460, title="Checksum Mismatch")

    def _settle(self) -> None:
        """Flush what has arrived, then say that it is there."""
        os.fdatasync(self.file)
        sha256 = ""
        if self.end == self.upload.length:
            sha256 = self.whole.hexdigest() if self.whole is not None else upload_store.sha256_of(self.file)
        self.upload.offset, self.upload.sha256, self.upload.expires_at = self.end, sha256, _expiry()
        self.upload.save(update_fields=["offset", "sha256", "expires_at"])


def receive(*, actor: Actor, department: Department, file: File, dataset: Dataset | None = None) -> Upload:
    """Take a whole file as an upload, as a form sends it."""
    upload = begin_upload(
        actor=actor, filename=file.name or "", length=file.size or 0, department=department, dataset=dataset
    )
    return append(actor=actor, upload=upload, offset=0, read=file.read)


def give_up(*, actor: Actor, upload: Upload) -> None:
    """Delete an upload and its bytes. Refused (423) while a request writes to it."""
    require(actor, Verb.CREATE, upload)
    try:
        with upload_store.locked(upload.pk):
            _delete(upload, "upload.give_up")
    except upload_store.Busy:
        raise Refused("upload_locked", _("A request still writes to this upload. Try again."), status=423) from None


def _delete(upload: Upload, verb: str) -> None:
    record(verb, upload)
    upload_store.discard(upload.pk)
    upload.delete()


def purge() -> int:
    """Delete the uploads that nobody went on with; return how many they were."""
    gone = list(Upload.objects.filter(expires_at__lt=timezone.now()))
    for upload in gone:
        with suppress(upload_store.Busy), upload_store.locked(upload.pk):
            _delete(upload, "upload.expire")
    # Rows also go with their department or data set; their bytes are found here.
    for pk in upload_store.older_than(3600):
        if not Upload.objects.filter(pk=pk).exists():
            upload_store.discard(pk)
    return len(gone)


def usable(*, actor: Actor, upload_id: UUID) -> Upload:
    """The actor's whole upload of that id; Http404, or Refused for what cannot be read yet or any more."""
    upload: Upload | None = Upload.objects.visible_to(actor).filter(pk=upload_id).first()
    if upload is None:
        raise Http404
    check_live(upload)
    if not upload.is_whole:
        detail = _("%(here)d of the upload's %(length)d bytes are here. Send the rest first.")
        raise Refused("upload_incomplete", detail % {"here": upload.offset, "length": upload.length})
    return upload


def check_live(upload: Upload) -> None:
    """Raise 410 for an upload whose time is over."""
    if upload.expires_at < timezone.now():
        detail = _("Nobody went on with this upload for %d hours, so it was deleted. Upload the file again.")
        raise Refused("upload_expired", detail % settings.UPLOAD_KEPT_HOURS, status=410)


def import_upload(
    *,
    actor: Actor,
    upload: Upload,
    department: Department | None = None,
    name: str = "",
    description: str = "",
    options: dict[str, Any] | None = None,
) -> Dataset:
    """Make a data set from a whole upload, which is used up by it."""
    with transaction.atomic():
        source = _use_up(upload)
        return services.create_from_source(
            actor=actor, department=department or upload.department, name=name, source=source,
            filename=upload.filename, options=options, description=description,
        )  # fmt: skip


def import_upload_as_version(
    *, actor: Actor, upload: Upload, dataset: Dataset, options: dict[str, Any] | None = None
) -> DatasetVersion:
    """Make a whole upload the next version of a data set."""
    with transaction.atomic():
        source = _use_up(upload)
        return services.add_version_from_source(
            actor=actor, dataset=dataset, source=source, filename=upload.filename, options=options
        )


def _use_up(upload: Upload) -> storage.Stored:
    """Take the upload's row away, so that it is imported once, and put its bytes among the sources."""
    if not Upload.objects.select_for_update().filter(pk=upload.pk).exists():
        raise Http404
    pk = upload.pk
    source = storage.adopt(upload_store.path_of(pk), "sources", sha256=upload.sha256, size=upload.length)
    Upload.objects.filter(pk=pk).delete()
    transaction.on_commit(lambda: upload_store.discard(pk))
    return source


def duplicates_of(*, actor: Actor, sha256: str) -> list[DatasetVersion]:
    """Ready versions in the actor's departments that were read from a file with exactly these bytes."""
    if not sha256:
        return []
    same = DatasetVersion.objects.filter(
        source_sha256=sha256, state=VersionState.READY, department_id__in=actor.department_ids
    )
    return list(same.select_related("dataset").defer("profile", "schema", "notes").order_by("-created_at")[:5])

"""Handing out the files of a model version."""

from __future__ import annotations

import mimetypes

from django.http import FileResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import invalid
from training import artifacts
from training.models import ModelVersion
from training.revoked import require_usable

BUNDLE = "bundle.zip"


def offered(version: ModelVersion) -> list[str]:
    """The names that can be asked for."""
    return [BUNDLE, *artifacts.file_names(version.manifest)]


def download(*, actor: Actor, version: ModelVersion, name: str) -> FileResponse:
    """One file of the artifact, or the whole folder as a zip file."""
    decision = require(actor, Verb.EXPORT, version)
    require_usable(version)
    if name not in offered(version):
        raise invalid("file", _("choose from %s") % ", ".join(offered(version)))
    record("model_version.download", version, rule=decision.rule, version=version.number, details={"file": name})
    stem = f"{slugify(version.model.name) or 'model'}-v{version.number}"
    if name == BUNDLE:
        stream = artifacts.bundle(version.storage_key, version.manifest)
        return FileResponse(stream, as_attachment=True, filename=f"{stem}.zip", content_type="application/zip")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    opened = artifacts.open_file(version.storage_key, name)
    return FileResponse(opened, as_attachment=True, filename=f"{stem}-{name}", content_type=kind)

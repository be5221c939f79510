"""Resumable uploads: tus 1.0.0 (https://tus.io/protocols/resumable-upload) with creation, creation-with-upload,
termination, checksum and expiration, and JSON for whoever asks with GET."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.http import http_date
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.serializers import PreviewSerializer, UploadStateSerializer
from datasets.imports.preview import preview
from datasets.imports.source import FromUpload
from datasets.models import Dataset, Upload
from datasets.uploads import services as upload_services
from departments.access import Verb, require
from departments.api.viewsets import AtriumViewSet
from departments.models import Department
from rest.parsers import BoundedJSONParser
from rest.problems import Refused, invalid

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
CONTENT_TYPE = "application/offset+octet-stream"
MAX_METADATA = 4096
TUS = {"create", "partial_update", "destroy"}
_LENGTH = OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True, description="Bytes in all.")
_METADATA = OpenApiParameter(
    "Upload-Metadata", str, OpenApiParameter.HEADER, required=True,
    description="`filename`, `department` (slug) or `dataset` (id), each with its value in Base64, between commas.",
)  # fmt: skip
_OFFSET = OpenApiParameter(
    "Upload-Offset", int, OpenApiParameter.HEADER, required=True, description="Where it goes on."
)
_RESUMABLE = OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=[VERSION])
_CHECKSUM = OpenApiParameter("Upload-Checksum", str, OpenApiParameter.HEADER, description="`sha256 <Base64>` or sha1.")


class OffsetStream(BaseParser):
    """Leaves the body where it is: the view reads it as it arrives."""

    media_type = CONTENT_TYPE

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return {}


class UploadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, AtriumViewSet):
    """Files on their way in. Each is its person's alone, and is deleted when it has become a data set."""

    model = Upload
    queryset = Upload.objects.none()
    serializer_class = UploadStateSerializer
    parser_classes = [OffsetStream, BoundedJSONParser]

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("department", "created_by")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Some networks let only GET and POST through; the protocol then names the method in a header."""
        named = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and named in ("PATCH", "DELETE"):
            request.method = named
        return super().dispatch(request, *args, **kwargs)

    def get_permissions(self) -> Any:
        return [] if self.request.method == "OPTIONS" else super().get_permissions()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        speaks = request.headers.get("Tus-Resumable", "")
        if (self.action in TUS or request.method == "HEAD") and speaks != VERSION:
            detail = _("Tus-Resumable is %(got)r; this server speaks %(version)s.")
            raise Refused("tus_version", detail % {"got": speaks[:20], "version": VERSION}, status=412)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = VERSION
        if response.status_code == status.HTTP_412_PRECONDITION_FAILED:
            response["Tus-Version"] = VERSION
        if response.status_code == status.HTTP_201_CREATED and response.data:
            response["Location"] = str(response.data["url"])
        return response

    def fingerprint(self, request: Request) -> str:
        """What the answer depends on stands in headers here."""
        told = [request.get_full_path(), *(request.headers.get(each.name, "") for each in (_LENGTH, _METADATA))]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def get_object(self) -> Upload:
        upload: Upload = super().get_object()
        upload_services.check_live(upload)
        return upload

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """What this server can do."""
        able = {
            "Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(settings.UPLOAD_MAX_BYTES),
            "Tus-Checksum-Algorithm": ",".join(upload_services.CHECKSUMS),
        }  # fmt: skip
        return Response(status=status.HTTP_204_NO_CONTENT, headers=able)

    @extend_schema(
        parameters=[_RESUMABLE, _LENGTH, _METADATA, _CHECKSUM],
        request={CONTENT_TYPE: OpenApiTypes.BINARY},
        responses={201: UploadStateSerializer},
    )
    def create(self, request: Request) -> Response:
        """Announce a file; its first bytes may come along. `Location` is where the rest goes, by PATCH."""
        length, metadata = _whole(request, "Upload-Length"), _metadata(request)
        dataset = self._dataset(metadata.get("dataset", ""))
        department = dataset.department if dataset else self._department(metadata.get("department", ""))
        upload = upload_services.begin_upload(
            actor=self.actor, filename=metadata.get("filename", ""), length=length, department=department,
            dataset=dataset, metadata=request.headers.get("Upload-Metadata", ""),
        )  # fmt: skip
        if request.content_type == CONTENT_TYPE:
            self._append(request, upload, 0)
        return self._answer(upload, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[_RESUMABLE])
    def retrieve(self, request: Request, id: str) -> Response:
        """How far an upload is; `duplicates` are versions of your departments that hold these very bytes."""
        upload = self.object(Verb.CREATE)
        response = self._answer(upload)
        response["Upload-Length"], response["Cache-Control"] = str(upload.length), "no-store"
        if upload.metadata:
            response["Upload-Metadata"] = upload.metadata
        return response

    @extend_schema(
        parameters=[_RESUMABLE, _OFFSET, _CHECKSUM],
        request={CONTENT_TYPE: OpenApiTypes.BINARY},
        responses={204: None},
    )
    def partial_update(self, request: Request, id: str) -> Response:
        """Append bytes at the end. What arrives before the connection breaks is kept, unless it has a checksum."""
        if request.content_type != CONTENT_TYPE:
            raise Refused("content_type", _("Send the bytes as %s.") % CONTENT_TYPE, status=415)
        upload = self.object(Verb.CREATE)
        self._append(request, upload, _whole(request, "Upload-Offset"))
        return Response(status=status.HTTP_204_NO_CONTENT, headers=_state(upload))

    @extend_schema(parameters=[_RESUMABLE], responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Give an upload up: its bytes are deleted."""
        upload_services.give_up(actor=self.actor, upload=self.object(Verb.CREATE))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=PreviewSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, id: str) -> Response:
        """How a finished upload would be read with these options: columns, types, first rows, what is set aside.

        Nothing is kept. Of a file that cannot be read, `error` says why and what to change.
        """
        self.object(Verb.CREATE)
        upload = upload_services.usable(actor=self.actor, upload_id=UUID(str(id)))
        asked = PreviewSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with FromUpload(self.actor, upload).local() as path:
            return Response(preview(path, upload.filename, **asked.validated_data))

    def _append(self, request: Request, upload: Upload, offset: int) -> None:
        header = request.headers.get("Upload-Checksum", "")
        checksum = upload_services.Checksum.parse(header) if header else None
        announced = int(request.headers.get("Content-Length") or 0)
        if offset == upload.offset and announced > upload.length - offset:
            detail = _("%(got)d bytes are announced, and the upload lacks only %(lacks)d.")
            raise Refused("too_long", detail % {"got": announced, "lacks": upload.length - offset}, status=413)
        read = request._request.read
        upload_services.append(actor=self.actor, upload=upload, offset=offset, read=read, checksum=checksum)

    def _answer(self, upload: Upload, **kwargs: Any) -> Response:
        return Response(self.get_serializer(upload).data, headers=_state(upload), **kwargs)

    def _dataset(self, text: str) -> Dataset | None:
        if not text:
            return None
        try:
            wanted = UUID(text)
        except ValueError:
            raise invalid("Upload-Metadata", _("“dataset” is not an id")) from None
        dataset: Dataset = get_object_or_404(
            Dataset.objects.visible_to(self.actor).select_related("department"), pk=wanted
        )
        require(self.actor, Verb.EDIT, dataset)
        return dataset

    def _department(self, slug: str) -> Department:
        """The named department; unnamed, the only one in which the actor may upload."""
        able = Department.objects.filter(pk__in=self.actor.departments_with(Verb.CREATE))
        if slug:
            return get_object_or_404(Department.objects.filter(pk__in=self.actor.department_ids), slug=slug)
        if len(able) != 1:
            raise invalid("Upload-Metadata", _("“department” is missing: name one in which you may upload"))
        return able[0]


def _state(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.offset), "Upload-Expires": http_date(upload.expires_at.timestamp())}


def _whole(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Refused("bad_header", _("%s must be a whole number.") % name, status=400)
    return int(text)


def _metadata(request: Request) -> dict[str, str]:
    """Read `key base64,key base64`."""
    header = request.headers.get("Upload-Metadata", "")
    if len(header) > MAX_METADATA:
        raise Refused("bad_header", _("Upload-Metadata has more than %d characters.") % MAX_METADATA, status=400)
    pairs = [each.strip().partition(" ") for each in header.split(",") if each.strip()]
    try:
        texts = {key: base64.b64decode(value.strip(), validate=True).decode() for key, _space, value in pairs}
    except (binascii.Error, UnicodeDecodeError, ValueError):
        detail = _("Upload-Metadata is read as “key value” pairs between commas, each value in Base64.")
        raise Refused("bad_header", detail, status=400) from None
    return {key: value.replace("\0", "") for key, value in texts.items()}

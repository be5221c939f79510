"""Pages of notices: the list behind the bell, following one, marking all as read."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from departments.models import Notice
from departments.notices import KINDS, text_of
from rest.paging import page_of


def _own(request: HttpRequest) -> QuerySet[Notice]:
    return Notice.objects.filter(person=cast(User, request.user))


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Everything that the person was told, newest first."""
    page = page_of(request, _own(request))
    rows = [(notice, KINDS[notice.kind], text_of(notice)) for notice in page.rows]
    unread = any(notice.read_at is None for notice in page.rows)
    return render(request, "departments/notices.html", {"page": page, "rows": rows, "has_unread": unread})


@login_required
@require_GET
def follow(request: HttpRequest, id: UUID) -> HttpResponse:
    """Go where a notice leads; it is read by that."""
    notice = get_object_or_404(_own(request), pk=id)
    _own(request).filter(pk=id, read_at=None).update(read_at=timezone.now())
    return redirect(notice.path)


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    _own(request).filter(read_at=None).update(read_at=timezone.now())
    return redirect("departments:notices")

"""Sending notices by mail. A notice is claimed before it is sent, so that two workers do not both send it."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from departments.models import Notice
from departments.notices import text_of

logger = logging.getLogger("atrium.mails")
BATCH = 200
MOST_ATTEMPTS = 6
# A claim that is not settled in this time was a dead worker's, or the server refused: tried again, ever later.
AGAIN_AFTER = timedelta(minutes=10)


def send_due() -> int:
    """Send what is due; return how many mails left."""
    due = Notice.objects.filter(mail_due_at__lte=timezone.now(), person__is_active=True)
    return sum(_send(notice) for notice in due.select_related("person").order_by("mail_due_at")[:BATCH])


def _send(notice: Notice) -> bool:
    again = None
    if notice.mail_attempts + 1 < MOST_ATTEMPTS:
        again = timezone.now() + AGAIN_AFTER * 2**notice.mail_attempts
    claimed = Notice.objects.filter(pk=notice.pk, mail_due_at=notice.mail_due_at).update(
        mail_due_at=again, mail_attempts=F("mail_attempts") + 1
    )
    if not claimed:
        return False
    try:
        _mail(notice).send()
    except Exception as error:  # whatever a mail server does, the notice stays in the app
        logger.warning("the mail of notice %s was not sent: %s", notice.pk, error)
        return False
    Notice.objects.filter(pk=notice.pk).update(mail_due_at=None, mailed_at=timezone.now())
    return True


def _mail(notice: Notice) -> EmailMessage:
    text = text_of(notice)
    ending = _("You get this as notices by e-mail are on in your settings: %s")
    where = f"{settings.PUBLIC_URL}{notice.path}"
    body = f"{text}\n\n{where}\n\n{ending % f'{settings.PUBLIC_URL}/settings/notices/'}\n"
    return EmailMessage(subject=f"Atrium: {' '.join(text.split())}", body=body, to=[notice.person.email])

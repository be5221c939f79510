"""Between services that refuse and forms that show it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.forms import BaseForm

from rest.problems import Refused


@contextmanager
def refusals_into(form: BaseForm) -> Iterator[None]:
    """Within the block, a Refused becomes the form's errors: on the fields that it names, else on the whole form."""
    try:
        yield
    except Refused as refused:
        for error in refused.errors:
            field = error["field"] if error["field"] in form.fields else None
            form.add_error(field, error["message"])
        if not refused.errors:
            form.add_error(None, refused.detail)

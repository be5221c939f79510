from __future__ import annotations

import hashlib
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _

from datasets.steps import _keys


class DatasetsConfig(AppConfig):
    name = "datasets"

    def ready(self) -> None:
        from datasets import derived, holdings, used_by
        from datasets.erasure import traces
        from datasets.granting import ends
        from datasets.granting import services as sharing
        from datasets.lineage import links as lineage_links
        from departments import consequences, terms
        from departments.quotas import kinds, stored

        kinds.count_live("storage", holdings.of_uploads)
        kinds.recompute("storage", stored.recomputed)
        stored.contribute("datasets", holdings.of_versions)
        lineage_links.register()
        terms.contribute("dataset", sharing.check_terms)
        consequences.contribute("recipes", consequences.Contributor(_("Recipes"), ends.find_recipes))
        consequences.contribute("copies", consequences.Contributor(_("Prepared data sets"), ends.find_copies))
        used_by.contribute("prepared", _("Prepared data sets"), derived.uses)
        traces.witness("copies", derived.witnesses)
        post_save.connect(_grant_changed, sender="departments.Grant")
        post_save.connect(_grant_ended, sender="departments.GrantEnd")
        _keys.use_master(_pseudonym_master)


def _grant_changed(instance: Any, created: bool, **_: Any) -> None:
    """What was written for a grant goes with its terms: departments know of grants, this app of what they gave."""
    from datasets.tables import forget_outdated

    if not created:
        forget_outdated(instance.pk)


def _grant_ended(instance: Any, **_: Any) -> None:
    """An expiry changes no row of the grant itself."""
    from datasets.tables import forget_outdated

    forget_outdated(instance.grant_id)


def _pseudonym_master() -> bytes:
    return hashlib.sha256(b"atrium pseudonyms\x00" + settings.PSEUDONYM_SECRET.encode()).digest()

"""`manage.py seed`: the sample departments, people and tables of a first start."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.people import create_person
from atrium.samples.people import DEPARTMENTS, PEOPLE
from atrium.samples.tables import SAMPLES, Sample
from datasets.models import Dataset
from datasets.services import create_dataset
from departments.access import actor_for
from departments.models import Department, Membership
from departments.services import create_department, create_grant, set_member


class Command(BaseCommand):
    help = "Make the sample departments, people and data sets. Does nothing on a platform that has departments."

    def handle(self, *args: Any, **options: Any) -> None:
        if Department.objects.exists():
            self.stdout.write("There are departments already; nothing was seeded.")
            return
        with transaction.atomic():
            seed_departments()
            seed_people()
            tables = [seed_table(sample) for sample in SAMPLES]
            seed_grant(tables[0])
        self.stdout.write(f"Seeded {len(DEPARTMENTS)} departments, {len(PEOPLE)} people and {len(SAMPLES)} data sets.")


def seed_departments() -> None:
    for slug, name, description in DEPARTMENTS:
        create_department(name=name, slug=slug, description=description)


def seed_people() -> None:
    for username, full_name, memberships, is_admin in PEOPLE:
        person = create_person(username=username, full_name=full_name, is_platform_admin=is_admin)
        for slug, role in memberships:
            set_member(department=Department.objects.get(slug=slug), person=person, role=role)


def seed_table(sample: Sample) -> Dataset:
    """Upload a sample as its department would: through the same service, read by the same job."""
    department = Department.objects.get(slug=sample.department)
    owner = (
        Membership.objects.filter(department=department, role__in=["engineer", "analyst"]).order_by("role")[0].person
    )
    return create_dataset(
        actor=actor_for(owner),
        department=department,
        name=sample.name,
        description=sample.description,
        is_simulated=sample.is_simulated,
        file=ContentFile(sample.build(), name=sample.file),
    )


def seed_grant(dataset: Dataset) -> None:
    """Credit Risk lets the Clinic see and train on its applications for 90 days."""
    create_grant(
        obj=dataset,
        department=Department.objects.get(slug="clinic"),
        verbs=["discover", "preview", "train"],
        created_by=User.objects.get(username="mona"),
        purpose="Joint study on loans for treatments",
        expires_at=timezone.now() + timedelta(days=90),
    )

"""Making the people and departments of the tests."""

from __future__ import annotations

from types import SimpleNamespace

from django.test import Client

DEPARTMENTS = (("credit-risk", "Credit Risk"), ("clinic", "Clinic"), ("retail", "Retail"))
ROLES = {
    "alice": ("credit-risk", "analyst"),
    "bob": ("credit-risk", "viewer"),
    "emil": ("credit-risk", "engineer"),
    "mona": ("credit-risk", "manager"),
    "charlie": ("retail", "analyst"),
    "dana": ("clinic", "engineer"),
    "erin": (None, "admin"),
    "mallory": (None, None),
}


def make_departments() -> SimpleNamespace:
    from departments.models import Department

    made = {slug.replace("-", "_"): Department.objects.create(slug=slug, name=name) for slug, name in DEPARTMENTS}
    return SimpleNamespace(**made)


def make_people(departments: SimpleNamespace) -> SimpleNamespace:
    from accounts.models import User
    from departments.models import Membership

    made = {}
    for name, (slug, role) in ROLES.items():
        person = User.objects.create(username=name, full_name=name.capitalize(), is_platform_admin=role == "admin")
        person.set_unusable_password()
        person.save()
        if slug:
            department = getattr(departments, slug.replace("-", "_"))
            Membership.objects.create(department=department, person=person, role=role)
        made[name] = person
    return SimpleNamespace(**made)


def signed_in(person: object) -> Client:
    """A test client with that person's session."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    return client

"""Filters of the list of deployments."""

from django_filters import rest_framework as filters

from departments.models import Department
from serving.models import Deployment


class DeploymentFilter(filters.FilterSet):
    """?department=credit-risk&state=active&model={id}"""

    department = filters.ModelChoiceFilter(to_field_name="slug", queryset=Department.objects.all())
    model = filters.UUIDFilter(field_name="model_version__model_id")

    class Meta:
        model = Deployment
        fields = ("department", "state", "model")

"""The catalogue: which data sets everyone may discover, and what their columns are called."""

from typing import Any

from django.db import migrations, models


def index_columns(apps: Any, _editor: Any) -> None:
    """Data sets from before learn what their newest ready version's columns are called."""
    versions = apps.get_model("datasets", "DatasetVersion").objects
    for dataset in apps.get_model("datasets", "Dataset").objects.iterator():
        newest = versions.filter(dataset=dataset, state="ready").order_by("-number").values("schema").first()
        if newest is not None:
            dataset.column_index = "\n".join(column["name"].casefold() for column in newest["schema"])
            dataset.save(update_fields=["column_index"])


class Migration(migrations.Migration):
    dependencies = [("datasets", "0001_initial")]

    operations = [
        migrations.AddField("dataset", "column_index", models.TextField(blank=True, default="", editable=False)),
        migrations.AddField("dataset", "listed", models.BooleanField(default=False)),
        migrations.RunPython(index_columns, migrations.RunPython.noop),
    ]

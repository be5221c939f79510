"""Tables are stored in parts, and versions count the cells that were set aside."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0004_erasures")]

    operations = [
        migrations.AddField("datasetversion", "quarantined_cells", models.BigIntegerField(null=True)),
        migrations.CreateModel(
            name="VersionPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(db_index=True, max_length=200)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="datasets.datasetversion",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "versionpart",
            models.UniqueConstraint(fields=("version", "key"), name="a_version_names_a_part_once"),
        ),
    ]

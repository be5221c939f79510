from django.db import migrations


def keep_downloads(apps, schema_editor):
    """Reading rows included downloading them until now: grants that were given keep both."""
    for grant in apps.get_model("departments", "Grant").objects.all():
        if "preview" in grant.verbs and "export" not in grant.verbs:
            grant.verbs = [*grant.verbs, "export"]
            grant.save(update_fields=["verbs"])


class Migration(migrations.Migration):
    dependencies = [("departments", "0002_grant_terms")]

    operations = [migrations.RunPython(keep_downloads, migrations.RunPython.noop)]

"""Forms of the pages of sources."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from datasets.connectors._base import Connector
from datasets.models import Feed, Source
from datasets.sources.models import Deletes, Every, Mode
from departments.access import ROLE_VERBS, Actor, Verb
from departments.models import Department
from plugins.params import Param

PREFIX = "params."
WEEKDAYS = (
    (0, _("Monday")), (1, _("Tuesday")), (2, _("Wednesday")), (3, _("Thursday")), (4, _("Friday")), (5, _("Saturday")),
    (6, _("Sunday")),
)  # fmt: skip


class SourceForm(forms.Form):
    """A source's name and department, then the connector's own parameters, each as `params.<name>`."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("How colleagues know it, such as “Sales database”.")
    )
    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department"), empty_label=None, to_field_name="slug"
    )
    file = forms.FileField(label=_("File"), required=False)

    def __init__(
        self, *args: Any, actor: Actor, connector: Connector, source: Source | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        able = [pk for pk, role in actor.roles.items() if Verb.CREATE in ROLE_VERBS[role]]
        self.fields["department"].queryset = Department.objects.filter(pk__in=able)  # type: ignore[attr-defined]
        if not connector.takes_file or source is not None:
            del self.fields["file"]
        if source is not None:
            del self.fields["department"]
        for param in connector.params:
            self.fields[PREFIX + param.name] = _field(param, source)

    def params(self) -> dict[str, Any]:
        """The connector's parameters; what was left empty takes its default."""
        given = {
            name.removeprefix(PREFIX): value for name, value in self.cleaned_data.items() if name.startswith(PREFIX)
        }
        return {name: value for name, value in given.items() if value not in ("", None)}

    @property
    def param_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith(PREFIX)]


def _field(param: Param, source: Source | None) -> forms.Field:
    """A connector's parameter as a form field. A secret's value never goes into a page."""
    kept = source.params.get(param.name) if source is not None else None
    initial = param.default if kept is None else kept
    common = {
        "label": gettext(param.title), "help_text": gettext(param.help), "initial": initial,
        "required": not param.optional,
    }  # fmt: skip
    if param.secret:
        common["help_text"] = (
            gettext("Left empty, the stored one stays.") if source is not None else common["help_text"]
        )
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        return forms.CharField(**{**common, "initial": None}, max_length=10_000, strip=False, widget=widget)
    if param.kind == "choice":
        return forms.ChoiceField(**common, choices=[(each, each) for each in param.choices])
    if param.kind == "int":
        return forms.IntegerField(**common, min_value=param.low, max_value=param.high)  # type: ignore[arg-type]
    return forms.CharField(**common, max_length=2000)


class ScheduleForm(forms.Form):
    """How and when a data set is refreshed."""

    every = forms.ChoiceField(label=_("Refresh"), choices=Every.choices)
    minutes = forms.IntegerField(
        label=_("Minutes between two refreshes"), min_value=1, max_value=44_640, initial=60, required=False
    )
    weekday = forms.TypedChoiceField(label=_("Day"), choices=WEEKDAYS, coerce=int, required=False)
    at = forms.TimeField(
        label=_("Time of day (UTC)"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        initial="03:00",
    )  # fmt: skip
    mode = forms.ChoiceField(label=_("What a refresh reads"), choices=Mode.choices)
    cursor = forms.ChoiceField(
        label=_("Column that grows with every change"), required=False,
        help_text=_("Such as updated_at, or a number that only rises. Rows from its largest value on are read."),
    )  # fmt: skip
    keys = forms.MultipleChoiceField(
        label=_("Columns that tell one row from another"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("A row that is read again replaces the one with the same key; the newest wins."),
    )  # fmt: skip
    overlap = forms.FloatField(
        label=_("Overlap"), min_value=0, initial=0, required=False,
        help_text=_("How far back to read again for late rows: seconds for times, days for dates, else numbers."),
    )  # fmt: skip
    deletes = forms.ChoiceField(label=_("Rows that are deleted there"), choices=Deletes.choices, required=False)

    def __init__(self, *args: Any, columns: list[dict[str, Any]], whole: bool = False, **kwargs: Any) -> None:
        """`columns` are those that can be read; `whole` says that only whole tables or files can be."""
        super().__init__(*args, **kwargs)
        ordered = [each for each in columns if each["type"] in {"datetime", "date", "integer", "number", "text"}]
        rising = sorted(ordered, key=lambda each: ("datetime", "date", "integer", "number", "text").index(each["type"]))
        self.fields["cursor"].choices = [("", "–"), *((each["name"], each["name"]) for each in rising)]  # type: ignore[attr-defined]
        self.fields["keys"].choices = [(each["name"], each["name"]) for each in columns]  # type: ignore[attr-defined]
        self.fields["keys"].initial = [each["name"] for each in columns if each.get("is_key")]
        if whole or not columns:
            for name in ("mode", "cursor", "keys", "overlap", "deletes"):
                del self.fields[name]

    def settings(self) -> dict[str, Any]:
        """What feed_services takes."""
        given = {name: self.cleaned_data[name] for name in self.fields if name in _SETTINGS}
        given["minutes"] = given.get("minutes") or 60
        given["weekday"] = given.get("weekday") or 0
        if "mode" in given:
            given["overlap"], given["deletes"] = given["overlap"] or 0, given["deletes"] or Deletes.KEEP
        return given


_SETTINGS = {"every", "minutes", "weekday", "at", "mode", "cursor", "keys", "overlap", "deletes"}


class ImportForm(ScheduleForm):
    """A table, file or query that becomes a data set."""

    name = forms.CharField(label=_("Name of the data set"), max_length=120)
    description = forms.CharField(
        label=_("Description"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What one row is, where the data comes from, whom to ask."),
    )  # fmt: skip
    query = forms.CharField(
        label=_("Query"), max_length=20_000, required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text=_("One SELECT. It runs in a transaction that can only read."),
    )  # fmt: skip
    columns = forms.MultipleChoiceField(label=_("Columns"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, columns: list[dict[str, Any]], whole: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, columns=columns, whole=whole, **kwargs)
        names = [each["name"] for each in columns]
        self.fields["columns"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["columns"].initial = names

    def chosen_columns(self) -> list[str]:
        """Empty where all are wanted, so that columns that are added later come too."""
        chosen = self.cleaned_data["columns"]
        return [] if len(chosen) == len(self.fields["columns"].choices) else chosen  # type: ignore[attr-defined]


class QueryImportForm(ImportForm):
    """The result of a query: its columns are not known before it runs, so they are written."""

    cursor = forms.CharField(  # type: ignore[assignment]
        label=_("Column that grows with every change"), required=False, max_length=255,
        help_text=_("Such as updated_at, or a number that only rises. Rows from its largest value on are read."),
    )  # fmt: skip
    keys = forms.CharField(  # type: ignore[assignment]
        label=_("Columns that tell one row from another"), required=False, max_length=1000,
        help_text=_("With commas between them."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        forms.Form.__init__(self, *args, **kwargs)
        self.fields["query"].required = True
        del self.fields["columns"]

    def clean_keys(self) -> list[str]:
        return [name.strip() for name in self.cleaned_data["keys"].split(",") if name.strip()]

    def chosen_columns(self) -> list[str]:
        return []


def initial_of(feed: Feed) -> dict[str, Any]:
    """A feed's present settings, for its form."""
    return {name: getattr(feed, name) for name in _SETTINGS}

"""The profile of a version as the API's schema describes it. A profile is stored as this JSON and sent as it is."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from datasets.personal_data import KINDS
from datasets.schema import TYPES

Fields = serializers.Serializer[Any]


class TopSerializer(Fields):
    value = serializers.JSONField(help_text="a number, true or false, an ISO date, or text of at most 200 characters")
    count = serializers.IntegerField()


class PatternSerializer(Fields):
    pattern = serializers.CharField(
        help_text="A for capitals, a for small letters, 9 for digits, 字 for other letters; + repeats"
    )
    count = serializers.IntegerField()


class HistogramSerializer(Fields):
    edges = serializers.ListField(help_text="one more than counts; numbers or ISO dates")
    counts = serializers.ListField(child=serializers.IntegerField())


class LengthSerializer(Fields):
    min = serializers.IntegerField()
    mean = serializers.FloatField()
    max = serializers.IntegerField()


class OutliersSerializer(Fields):
    """Tukey's rule: more than 1.5 interquartile ranges beyond the quartiles."""

    count = serializers.IntegerField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class GapSerializer(Fields):
    after = serializers.CharField()
    before = serializers.CharField()
    missing = serializers.IntegerField()


class SeriesSerializer(Fields):
    """A regular series of dates or times, and what is missing in it."""

    frequency = serializers.ChoiceField(
        choices=["year", "quarter", "month", "week", "weekday", "day", "hour", "minute", "second"]
    )
    every = serializers.IntegerField()
    missing = serializers.IntegerField()
    gaps = GapSerializer(many=True, help_text="at most 10, the longest first")


class VariantsSerializer(Fields):
    """Spellings of the same value, which differ in case or white space alone."""

    groups = serializers.IntegerField()
    rows = serializers.IntegerField(help_text="values that are not spelled as most are")
    examples = serializers.ListField(child=TopSerializer(many=True))


class PersonalSerializer(Fields):
    """What a column seems to hold. Never with a value."""

    kind = serializers.ChoiceField(choices=KINDS.names())
    confidence = serializers.FloatField(min_value=0, max_value=1)
    by_name = serializers.BooleanField(help_text="the column's name speaks for it")
    within = serializers.BooleanField(help_text="inside longer text")
    checked = serializers.IntegerField(help_text="different values that were checked, at most 10,000")
    matching = serializers.IntegerField()
    rows = serializers.IntegerField()
    rows_exact = serializers.BooleanField(help_text="false: reckoned from the values that were checked")


class FiguresSerializer(Fields):
    """The figures of one column. Which there are depends on its type."""

    type = serializers.ChoiceField(choices=list(TYPES))
    missing = serializers.IntegerField()
    missing_share = serializers.FloatField()
    present = serializers.IntegerField()
    distinct = serializers.IntegerField()
    distinct_exact = serializers.BooleanField(
        help_text="exact up to 5,000,000 different values, and always for numbers and dates"
    )
    distinct_error = serializers.FloatField(required=False, help_text="relative, where distinct is not exact")
    top = TopSerializer(many=True, help_text="at most 10, the most frequent first")
    constant = serializers.BooleanField()
    id_like = serializers.BooleanField()
    personal = PersonalSerializer(many=True, help_text="the surest first")
    min = serializers.JSONField(required=False)
    max = serializers.JSONField(required=False)
    quantiles = serializers.DictField(required=False, help_text="by share: 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99")
    histogram = HistogramSerializer(required=False, allow_null=True)
    mean = serializers.FloatField(required=False, allow_null=True)
    sd = serializers.FloatField(required=False, allow_null=True, help_text="with n − 1")
    outliers = OutliersSerializer(required=False)
    zeros = serializers.IntegerField(required=False)
    negative = serializers.IntegerField(required=False)
    infinite = serializers.IntegerField(required=False)
    length = LengthSerializer(required=False, allow_null=True)
    patterns = PatternSerializer(many=True, required=False)
    pattern_count = serializers.IntegerField(required=False)
    padded = serializers.IntegerField(required=False, help_text="values with white space around them")
    blank = serializers.IntegerField(required=False, help_text="values of white space alone")
    variants = VariantsSerializer(required=False, allow_null=True, help_text="null beyond 100,000 different values")
    series = SeriesSerializer(required=False, allow_null=True)


def _matrix(help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True)), help_text=help_text
    )


class AssociationsSerializer(Fields):
    """How columns go together over the whole table: up to 30 of numbers and 12 of categories."""

    numeric = serializers.ListField(child=serializers.CharField())
    categorical = serializers.ListField(child=serializers.CharField())
    pearson = _matrix("numeric × numeric, over the rows that have both")
    spearman = _matrix("numeric × numeric, by rank")
    cramers_v = _matrix("categorical × categorical")
    correlation_ratio = _matrix("categorical × numeric")
    left_out = serializers.IntegerField()


class TogetherSerializer(Fields):
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.IntegerField()


class ProfileSerializer(Fields):
    """Figures of the whole table, column by column; none is of a sample unless it says so."""

    format = serializers.IntegerField()
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    duplicate_rows = serializers.IntegerField(help_text="rows that repeat an earlier one in every column")
    missing_together = TogetherSerializer(many=True)
    associations = AssociationsSerializer()
    by_column = serializers.DictField(child=FiguresSerializer())

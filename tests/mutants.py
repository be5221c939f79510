"""`python tests/mutants.py [word]`: break authorisation in one place at a time; the access matrix, or the tests of what
grants give, must notice every time. With a word, only the mutants whose name holds it.

Each mutant is applied to a copy of the project, in which its tests are run until their first failure. Exit status 1 if any
mutant survives, or if the unbroken copy fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".venv", "var", ".git", "__pycache__", ".*_cache", "vendor", "node_modules")


MATRIX = "tests/test_access_matrix.py"
GRANTED = "tests/datasets/test_granted_tables.py tests/datasets/test_view_as.py"
LEAKS = "tests/departments/test_grant_leaks.py"


@dataclass(frozen=True)
class Mutant:
    """`old`, which must stand in `file`, becomes `new`."""

    name: str
    file: str
    old: str
    new: str
    tests: str = MATRIX


PROJECTION, MASKING, TABLES = "platform/departments/projection.py", "datasets/granting/masking.py", "datasets/tables.py"
ACCESS, QUERYSETS = "platform/departments/access.py", "platform/departments/querysets.py"
MUTANTS = (
    Mutant("visibility: the filter is dropped", QUERYSETS, "return self.filter(own)", "return self.all()"),
    Mutant("visibility: everything stands in the catalogue", QUERYSETS, "Q(**{self.listed_path: True})", "Q(**{self.listed_path + '__in': [True, False]})"),
    Mutant("decision: everything stands in the catalogue", ACCESS, 'not getattr(obj, "listed", False)', 'not hasattr(obj, "listed")'),
    Mutant("decision: the catalogue shows rows", ACCESS, 'if verb == Verb.DISCOVER:\n        return Decision(True, "catalogue"', 'if verb:\n        return Decision(True, "catalogue"'),
    Mutant("visibility: grants of every department count", QUERYSETS, ", department_id__in=actor.department_ids)\n        return Q", ")\n        return Q"),
    Mutant("visibility: people without a department see all", QUERYSETS, "if actor.is_platform_admin:", "if actor.is_platform_admin or not actor.roles:"),
    Mutant("decision: everything is allowed", ACCESS, "if verb in ROLE_VERBS[role]:", "if verb:"),
    Mutant("decision: a viewer may do what an analyst may", ACCESS, "Role.VIEWER: _READS,", "Role.VIEWER: _ANALYST,"),
    Mutant("decision: an analyst may deploy", ACCESS, "Role.ANALYST: _ANALYST,", "Role.ANALYST: _ANALYST | {Verb.DEPLOY},"),
    Mutant("decision: an engineer may manage", ACCESS, "Role.ENGINEER: _ANALYST | {Verb.DEPLOY},", "Role.ENGINEER: _ANALYST | {Verb.DEPLOY, Verb.MANAGE},"),
    Mutant("decision: a grant covers every verb", ACCESS, "if verb in grant.verbs and _holds(", "if _holds("),
    Mutant("decision: platform admins see rows", ACCESS, "if verb == Verb.DISCOVER:\n        return Decision(True, \"platform-admin\"", "if verb:\n        return Decision(True, \"platform-admin\""),
    Mutant("decision: require lets everything pass", ACCESS, "decision = decide(actor, verb, obj)\n    if not decision.allowed:", "decision = decide(actor, verb, obj)\n    if False:"),
    Mutant("decision: require_in lets everything pass", ACCESS, "decision = decide_in(actor, verb, department.pk)\n    if not decision.allowed:", "decision = decide_in(actor, verb, department.pk)\n    if False:"),
    Mutant("decision: hidden objects answer 403", ACCESS, "if not decision.visible:\n            raise Http404\n        raise Refused(decision.rule, decision.detail, status=403)\n    return decision\n\n\ndef decide_in", "raise Refused(decision.rule, decision.detail, status=403)\n    return decision\n\n\ndef decide_in"),
    Mutant("API: the signed-out are let in", "platform/accounts/api/permissions.py", "            return False", "            pass"),
    Mutant("API: the default permission is emptied", "platform/atrium/settings.py", '["accounts.api.permissions.ScopePermission"]', "[]"),
    Mutant("API: view sets start from everything", "platform/departments/api/viewsets.py", "self.model.objects.visible_to(self.actor)", "self.model.objects.all()"),
    Mutant("API: view sets decide nothing", "platform/departments/api/viewsets.py", "self.decision: Decision = require(self.actor, verb, obj)", "pass"),
    Mutant("API: everybody's tokens are listed and revoked", "platform/accounts/api/views.py", "ApiToken.objects.filter(person_id=self.request.user.pk)", "ApiToken.objects"),
    Mutant("API: members of any department are shown", "platform/departments/api/views.py", "        require_in(self.actor, verb, department)\n", ""),
    Mutant("API: everybody makes departments", "platform/departments/api/views.py", "if not self.actor.is_platform_admin:\n            raise Refused", "if False:\n            raise Refused"),
    Mutant("API: everybody reads the audit trail", "platform/departments/api/audit.py", "if self.actor.is_platform_admin:", "if True:"),
    Mutant("API: requests between others are shown", "platform/departments/request_querysets.py", "return self.filter(Q(department__in", "return self.exclude(pk=None) or self.filter(Q(department__in"),
    Mutant("API: requesters answer themselves", "platform/departments/access_requests.py", "    if not may_decide(actor, request):", "    if False:"),
    Mutant("API: everybody ends grants", "platform/departments/rights.py", "    if not decision.allowed:", "    if False:"),
    Mutant("API: everybody's notices are shown", "platform/departments/api/notices.py", "Notice.objects.filter(person=self.actor.person_id)", "Notice.objects.all()"),
    Mutant("pages: everybody's notices are followed", "platform/departments/notice_views.py", "Notice.objects.filter(person=cast(User, request.user))", "Notice.objects.all()"),
    Mutant("API: grants between others are shown", "platform/departments/rights.py", "return grants.filter(Q(owner__in=own) | Q(department__in=own))", "return grants"),
    Mutant("API: predicting takes no more than discovering", "serving/api/views.py", "decision = require(actor, Verb.PREDICT, deployment)", "decision = require(actor, Verb.DISCOVER, deployment)"),
    Mutant("pages: downloading a model takes no more than discovering", "training/downloads.py", "decision = require(actor, Verb.EXPORT, version)", "decision = require(actor, Verb.DISCOVER, version)"),
    Mutant("pages: a data set's page decides nothing", "datasets/views.py", "require(request.actor, verb, dataset)", "verb"),
    Mutant("pages: a run's page decides nothing", "training/views/runs.py", "require(request.actor, verb, run)", "verb"),
    Mutant("routes: a new bare view", "platform/atrium/urls.py", 'path("livez",', 'path("everything/", views.livez),\n    path("livez",'),
    Mutant("routes: a new bare API view", "platform/atrium/urls.py", 'path("health/",', 'path("more/", views.Health.as_view()),\n    path("health/",'),
    Mutant("pages: Home needs no sign-in", "platform/atrium/pages.py", "@login_required\n@require_GET\ndef home", "@require_GET\ndef home"),
    Mutant("projection: every grant gives the whole table", PROJECTION, "if grant.columns is None and not grant.masks and not grant.rows:", "if True:", GRANTED),
    Mutant("projection: columns that are not given are there", PROJECTION, "(self.columns is None or column in self.columns) and column", "column", GRANTED),
    Mutant("projection: hidden columns are there", PROJECTION, 'if mask.kind == "hide")', "if False)", GRANTED),
    Mutant("projection: the widest grant does not come first", ACCESS, "(*width(Projection.of(grant)), grant.created_at, grant.pk)", "(grant.created_at, grant.pk)", GRANTED),
    Mutant("projection: other terms have the same table", PROJECTION, "[[m.column, m.kind, m.params] for m in self.masks], self.rows]", "[]]", GRANTED),
    Mutant("masking: conditions are left out", MASKING, "frame.filter(fits).select", "frame.select", GRANTED),
    Mutant("masking: masks are left out", MASKING, "    if mask is None:\n        return cell", "    if True:\n        return cell", LEAKS),
    Mutant("masking: a mask that does not fit shows the column", MASKING, "    except MaskError:\n        return None", "    except MaskError:\n        return column.type", GRANTED),
    Mutant("masking: hashes are not keyed", "datasets/masks/hash.py", "hmac.digest(key, ", 'hmac.digest(b"0", ', GRANTED),
    Mutant("masking: redacted columns show the first sign", "datasets/masks/redact.py", "return pl.lit(SHOWN, pl.String)", "return _cell.cast(pl.String).str.slice(0, 60)", LEAKS),
    Mutant("masking: years come with their days", "datasets/masks/year_only.py", "cell.dt.year()", "cell.dt.ordinal_day()", GRANTED),
    Mutant("tables: grantees open the version itself", TABLES, "if decision.projection is None:\n        schema", "if True:\n        schema", GRANTED),
    Mutant("tables: facts of the version are shown to grantees", TABLES, "if reads.allowed and reads.projection is None:\n        return version", "if reads.allowed:\n        return version", LEAKS),
    Mutant("tables: what was written for wider terms stays in use", TABLES, "ProjectedTable.objects.filter(version=version, digest=projection.digest)", "ProjectedTable.objects.filter(version=version)", GRANTED),
    Mutant("reading: rejected lines are given to grantees", "datasets/reading.py", "if decision.projection is not None:", "if False:", LEAKS),
    Mutant("reading: previewing includes downloading", "datasets/reading.py", "require(actor, Verb.EXPORT, version)", "require(actor, Verb.PREVIEW, version)", GRANTED),
    Mutant("recipes: previews run on the whole table", "datasets/preparation/services.py", "tables.opened(chosen, decision, actor=actor)", 'tables.opened(chosen, type(decision)(True, "", True), actor=actor)', LEAKS),
    Mutant("training: runs learn from the whole table", "training/execution.py", "table = described(run.dataset_version, decision)", 'table = described(run.dataset_version, type(decision)(True, "", True))', LEAKS),
    Mutant("training: the plan knows the whole table", "training/services.py", "return described(version, decision, actor=actor)", 'return described(version, type(decision)(True, "", True), actor=actor)', LEAKS),
    Mutant("grants: grantees read the terms", "platform/departments/api/serializers.py", "return shown if self._gives(instance) else", "return shown if True else", LEAKS),
    Mutant("grants: requests name hidden columns", "platform/departments/targets.py", "projection is None or projection.gives(name)", "True", LEAKS),
    Mutant("view as: anybody looks as anybody", "datasets/granting/viewing.py", "    require(actor, Verb.MANAGE, dataset)\n", ""),
)  # fmt: skip


def copy_to(folder: Path) -> None:
    """A copy of the project, with the vendored files linked: they are large and are not code."""
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    (folder / "static" / "vendor").symlink_to(ROOT / "static" / "vendor")


def fails(folder: Path, tests: str) -> bool:
    """Whether these tests go red in this copy."""
    command = [sys.executable, "-m", "pytest", *tests.split(), "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "ATRIUM_HOME": str(folder / "var"), "PYTHONPATH": f"{folder}/platform:{folder}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode != 0


def kill(mutant: Mutant | None, tests: str = MATRIX) -> bool:
    """Apply one mutant to a fresh copy; True if its tests notice it. Without one, whether `tests` fail as things are."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "atrium"
        copy_to(folder)
        if mutant is not None:
            source = (folder / mutant.file).read_text()
            if source.count(mutant.old) != 1:
                sys.exit(
                    f"{mutant.name}: expected its text once in {mutant.file}, found {source.count(mutant.old)} times"
                )
            (folder / mutant.file).write_text(source.replace(mutant.old, mutant.new))
        return fails(folder, mutant.tests if mutant else tests)


def main() -> int:
    chosen = [mutant for mutant in MUTANTS if len(sys.argv) < 2 or sys.argv[1] in mutant.name]
    if broken := [tests for tests in sorted({mutant.tests for mutant in chosen}) if kill(None, tests)]:
        print(f"{', '.join(broken)} fail on the unbroken project; mend that first.")
        return 1
    survivors = []
    for mutant in chosen:
        began = time.monotonic()
        killed = kill(mutant)
        print(f"{'killed  ' if killed else 'SURVIVED'} {time.monotonic() - began:5.1f} s  {mutant.name}", flush=True)
        survivors += [] if killed else [mutant.name]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

"""From source to deployment: what a thing was made from and what was made of it, as the reader may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from datasets.lineage.graph import graph
from departments.access import actor_for
from tests.world import make_world


@pytest.fixture
def world(db: None) -> Iterator[Any]:
    yield make_world()


def labels(world: Any, person: str, kind: str, id: Any) -> list[list[str]]:
    found = graph(actor_for(getattr(world.people, person)), (kind, id))
    return [sorted(node.key[0] for node in layer) for layer in found.layers] if found else []


def test_every_object_shows_the_whole_way(world: Any) -> None:
    way = [["source"], ["version"], ["run", "run"], ["model"], ["deployment"]]
    assert labels(world, "alice", "version", world.version.pk) == way
    one_way = [["source"], ["version"], ["run"], ["model"], ["deployment"]]
    for kind, thing in (("run", world.run), ("model", world.model_version), ("deployment", world.deployment)):
        assert labels(world, "alice", kind, thing.pk) == one_way, kind


def test_a_recipe_stands_before_the_run_that_used_it(world: Any, run_jobs: Callable[..., Any]) -> None:
    world.run.recipe = world.recipe
    world.run.save()
    assert labels(world, "alice", "recipe", world.recipe.pk) == [["recipe"], ["run"], ["model"], ["deployment"]]
    assert labels(world, "alice", "run", world.run.pk)[:2] == [["source"], ["recipe", "version"]]


def test_what_the_reader_may_not_see_is_left_out(world: Any) -> None:
    """Dana holds grants on the data set and the model; the run, the recipe and the source are not hers to see."""
    assert labels(world, "dana", "model", world.model_version.pk) == [["model"], ["deployment"]]
    assert labels(world, "dana", "version", world.version.pk) == [["version"]]
    assert labels(world, "charlie", "version", world.version.pk) == []


def test_the_pages_draw_it_with_a_table(world: Any) -> None:
    client = Client()
    client.force_login(world.people.alice, backend="django.contrib.auth.backends.ModelBackend")
    for url in (
        f"/datasets/{world.dataset.pk}/?tab=used-by", f"/runs/{world.run.pk}/", f"/deployments/{world.deployment.name}/",
        f"/models/{world.model.pk}/versions/1/",
    ):  # fmt: skip
        page = client.get(url).content.decode()
        assert "lineage-graph" in page and "As a table" in page, url


def test_the_api(world: Any, api_of: None = None) -> None:
    client = APIClient()
    client.force_login(world.people.alice, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(f"/api/v1/lineage/?kind=model&id={world.model_version.pk}").data
    chain = [(answer["nodes"][a]["kind"], answer["nodes"][b]["kind"]) for a, b in answer["edges"]]
    assert set(chain) == {("source", "version"), ("version", "run"), ("run", "model"), ("model", "deployment")}
    assert client.get("/api/v1/lineage/?kind=person&id=1").status_code == 422
    assert client.get("/api/v1/lineage/?kind=run&id=1").status_code == 422


def test_the_number_of_queries_does_not_grow(world: Any, django_assert_max_num_queries: Any) -> None:
    actor = actor_for(world.people.alice)
    with django_assert_max_num_queries(45):
        graph(actor, ("model", world.model_version.pk))

"""The whole way over the REST API, as a program of another department would go it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import httpx

from training.starting_points.credit_scoring import applications

FINISHED = {"succeeded", "stopped", "failed", "cancelled"}


class DemoError(Exception):
    """The way ended early; the message says where and what the platform answered."""


class Demo:
    """Upload → profile → recipe → train → tune → deploy → predict, each step printed as it happens."""

    def __init__(self, url: str, token: str, department: str, out: TextIO = sys.stdout) -> None:
        self.api = httpx.Client(
            base_url=f"{url}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=60, follow_redirects=True
        )
        self.department = department
        self.out = out
        self.mark = time.strftime("%m%d-%H%M%S")
        self.step = 0

    def run(self) -> None:
        """Go the whole way."""
        dataset = self.upload()
        self.profile(dataset)
        recipe = self.prepare(dataset)
        run = self.train(dataset, recipe)
        best = self.tune(dataset, recipe)
        name = self.deploy(run)
        self.predict(name)
        self.say(
            f"\nDone. Look at it in the browser: data set {dataset['name']!r}, deployment {name!r}; tuned best {best}."
        )

    def upload(self) -> dict[str, Any]:
        content = applications()
        self.title(f"Upload credit-applications.csv ({len(content):,} bytes)")
        made = self.call(
            "POST",
            "datasets/",
            files={"file": ("credit-applications.csv", content, "text/csv")},
            data={
                "name": f"Demo {self.mark}",
                "department": self.department,
                "description": "Simulated, made by the demo.",
            },
        )
        version = self.wait(f"datasets/{made['id']}/versions/1/", lambda v: v["state"] != "ingesting")
        if version["state"] != "ready":
            raise DemoError(f"the import failed: {version['error']}")
        self.say(
            f"   version 1: {version['rows']:,} rows, {version['columns']} columns, {version['rejected_rows']} rejected"
        )
        self.say(f"   sha256 {version['sha256']}")
        return dict(made)

    def profile(self, dataset: dict[str, Any]) -> None:
        self.title("Profile of the whole table")
        profile = self.call("GET", f"datasets/{dataset['id']}/versions/1/profile/")
        for name, column in profile["by_column"].items():
            span = f"{column['min']} … {column['max']}" if column.get("min") is not None else ""
            self.say(
                f"   {name:<16}{column['type']:<10}{column['missing']:>4} missing {column['distinct']:>6} distinct  {span}"
            )

    def prepare(self, dataset: dict[str, Any]) -> dict[str, Any]:
        self.title("Recipe: drop duplicates, fill missing income, clip outliers, encode employment")
        steps = [
            {"step": "duplicates", "columns": [], "params": {}},
            {"step": "missing", "columns": ["income"], "params": {"method": "median"}},
            {"step": "outliers", "columns": ["income"], "params": {"method": "iqr", "action": "clip"}},
            {"step": "encode", "columns": ["employment"], "params": {}},
        ]
        recipe = self.call("POST", "recipes/", json={"dataset": dataset["id"], "name": "Demo recipe", "steps": steps})
        preview = self.call("POST", f"recipes/{recipe['id']}/preview/", json={})
        for effect in preview["steps"]:
            self.say(
                f"   {effect['step']:<12}{effect['rows_before']:>6} → {effect['rows_after']:<6} rows   {effect['summary']}"
            )
        return dict(recipe)

    def train(self, dataset: dict[str, Any], recipe: dict[str, Any]) -> dict[str, Any]:
        self.title("Train on `defaulted`, preset fast")
        body = {"dataset": dataset["id"], "recipe": recipe["id"], "target": "defaulted", "preset": "fast", "seed": 7}
        run = self.wait(f"runs/{self.call('POST', 'runs/', json=body)['id']}/", lambda r: r["state"] in FINISHED)
        if run["state"] != "succeeded":
            raise DemoError(f"the run ended as {run['state']}: {run['error']}")
        for name, value in sorted(run["metrics"]["test"].items()):
            if isinstance(value, int | float):
                base = run["baseline"].get("test", run["baseline"]).get(name)
                self.say(
                    f"   {name:<20}{value:8.4f}" + (f"   baseline {base:8.4f}" if isinstance(base, int | float) else "")
                )
        return run

    def tune(self, dataset: dict[str, Any], recipe: dict[str, Any]) -> str:
        self.title("Tune a linear model: four trials over the learning rate")
        body = {
            "dataset": dataset["id"], "recipe": recipe["id"], "target": "defaulted", "family": "linear", "seed": 7,
            "search": {"learning_rate": {"low": 0.001, "high": 0.3, "log": True}}, "trials": 4,
        }  # fmt: skip
        study = self.wait(
            f"studies/{self.call('POST', 'studies/', json=body)['id']}/", lambda s: s["state"] in FINISHED
        )
        trials = self.call("GET", f"studies/{study['id']}/trials/")["results"]
        for trial in sorted(trials, key=lambda t: t["number"]):
            self.say(f"   trial {trial['number']}: {trial['params']} → {trial['value']}")
        values = [trial["value"] for trial in trials if trial["value"] is not None]
        if study["state"] != "succeeded" or not values:
            raise DemoError(f"the study ended as {study['state']}")
        return f"{min(values):.4f}"

    def deploy(self, run: dict[str, Any]) -> str:
        name = f"demo-{self.mark}"
        self.title(f"Deploy it as {name}")
        body = {"name": name, "department": self.department, "model_version": model_version_id(run)}
        self.say(f"   {self.call('POST', 'deployments/', json=body)['url']}")
        return name

    def predict(self, name: str) -> None:
        self.title("Predict: one row, then a thousand")
        row = {
            "age": 41, "income": 52000, "history_years": 9, "employment": "salaried", "debt_ratio": 0.21, "score": 655,
        }  # fmt: skip
        began = time.perf_counter()
        answer = self.call("POST", f"deployments/{name}/predict/", json={"instances": [row]})
        self.say(f"   {row}\n   → {answer['predictions'][0]}   {1000 * (time.perf_counter() - began):.1f} ms")
        many = [{**row, "age": 20 + i % 50, "debt_ratio": (i % 90) / 100} for i in range(1000)]
        began = time.perf_counter()
        answer = self.call("POST", f"deployments/{name}/predict/", json={"instances": many})
        seconds = time.perf_counter() - began
        self.say(f"   {len(answer['predictions'])} predictions in {1000 * seconds:.0f} ms")

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """One request; a refusal ends the way with the platform's own words."""
        answer = self.api.request(method, path, **kwargs)
        if answer.status_code >= 400:
            raise DemoError(f"{method} {path} answered {answer.status_code}: {answer.text[:600]}")
        return answer.json()

    def wait(self, path: str, done: Callable[[dict[str, Any]], bool], limit: float = 300) -> dict[str, Any]:
        """Poll until `done`, drawing the progress on one line."""
        began = time.monotonic()
        while True:
            state: dict[str, Any] = self.call("GET", path)
            if self.out.isatty():
                self.out.write(f"\r   {bar(state.get('progress') or 0)} {state['state']:<12}")
                self.out.flush()
            if done(state):
                self.say(f"\r   {state['state']} after {time.monotonic() - began:.1f} s" + " " * 30)
                return state
            if time.monotonic() - began > limit:
                raise DemoError(f"{path} is still {state['state']} after {limit:.0f} s; is the worker running?")
            time.sleep(0.25)

    def title(self, text: str) -> None:
        self.step += 1
        self.say(f"\n{self.step}. {text}")

    def say(self, text: str) -> None:
        self.out.write(text + "\n")
        self.out.flush()


def model_version_id(run: dict[str, Any]) -> str:
    """The id of the version that a run made, whether it is answered as an id or as an object."""
    version = run["model_version"]
    return str(version["id"] if isinstance(version, dict) else version)


def bar(fraction: float, width: int = 24) -> str:
    full = round(width * min(max(fraction, 0), 1))
    return "█" * full + "░" * (width - full)

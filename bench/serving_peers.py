"""What a user would run instead: FastAPI with scikit-learn by hand, and `mlflow models serve`. In an environment of its own.

    python bench/serving_peers.py prepare FOLDER     train the pipelines on FOLDER/rows.csv and write them down
    uvicorn serving_peers:application                 the FastAPI service; PEERS names the folder

Run by bench/serving.py with the interpreter of that environment, which needs mlflow, fastapi, uvicorn and scikit-learn.
"""

# No postponed annotations: FastAPI reads those of the service's own classes.
import os
import sys
from pathlib import Path
from typing import Any

NUMBERS, TEXTS = ["age", "income", "debt", "years"], ["city"]
KINDS = ("linear", "mlp")


def prepare(folder: Path) -> None:
    """Train on the same rows as the platform's models, with the same preparation, and save for both servers."""
    import joblib
    import mlflow
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.read_csv(folder / "rows.csv")
    models = {"linear": LogisticRegression(max_iter=500), "mlp": MLPClassifier((64, 64), max_iter=10)}
    for kind in KINDS:
        columns = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), TEXTS))
        pipeline = make_pipeline(columns, models[kind]).fit(frame[NUMBERS + TEXTS], frame["good"])
        joblib.dump(pipeline, folder / f"{kind}.joblib")
        mlflow.sklearn.save_model(pipeline, folder / f"mlflow-{kind}", serialization_format="cloudpickle")


def service(folder: Path) -> Any:
    """The service that one would write: a validated request, a data frame, the pipeline's probabilities."""
    import joblib
    import pandas as pd
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Row(BaseModel):
        age: int
        income: float
        debt: float
        years: int
        city: str

    class Request(BaseModel):
        instances: list[Row]

    app = FastAPI()
    pipelines = {kind: joblib.load(folder / f"{kind}.joblib") for kind in KINDS}

    @app.get("/livez")
    def livez() -> str:
        return "ok"

    def predict(kind: str, request: Request) -> dict[str, Any]:
        pipeline = pipelines[kind]
        frame = pd.DataFrame([row.model_dump() for row in request.instances])
        labels = [str(label) for label in pipeline.classes_]
        answers = [
            {"label": labels[row.argmax()], "probabilities": dict(zip(labels, row.tolist(), strict=True))}
            for row in pipeline.predict_proba(frame)
        ]
        return {"predictions": answers}

    app.post("/{kind}/predict")(predict)
    return app


if __name__ == "__main__":
    prepare(Path(sys.argv[2]))
elif "PEERS" in os.environ:
    application = service(Path(os.environ["PEERS"]))

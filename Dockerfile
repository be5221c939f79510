FROM python:3.11-slim
WORKDIR /app
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
ENV PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1
COPY . .
RUN pip install --no-cache-dir --editable . && useradd --create-home atrium && mkdir -p /var/lib/atrium && chown atrium /var/lib/atrium
USER atrium

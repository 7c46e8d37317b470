# One image for every part of Shipline; which one a container is, says its command (deployments/compose.yaml).
# Pin the base by its digest in your registry; the packages inside are pinned by requirements.lock.
FROM python:3.12-slim-bookworm

# git: clones and pushes. The rest of what QA runs on a repository are Python packages.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 shipline

WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
# prefect-redis: Prefect with several processes (its own dependencies are in the lock).
RUN pip install --no-cache-dir --requirement requirements.lock \
    && pip install --no-cache-dir --no-deps prefect-redis==0.3.0
COPY . .
RUN pip install --no-cache-dir --no-deps --editable . \
    && install --directory --owner shipline /var/lib/shipline

USER shipline
ENV SHIPLINE_HOME=/var/lib/shipline \
    SHIPLINE_SECRETS_DIR=/run/secrets \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE=false \
    DO_NOT_TRACK=1 \
    PYTHONUNBUFFERED=1
VOLUME /var/lib/shipline
ENTRYPOINT ["python", "-m", "deployments.serve"]

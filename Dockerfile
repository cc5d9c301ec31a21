# Build stage: installs everything from the hashed lock into a virtual environment that the second stage copies.
FROM python:3.13-slim-trixie AS build
WORKDIR /opt/quorum
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE app.yml ./
COPY app app
COPY github_sandbox github_sandbox
COPY webhooks webhooks
COPY prompts prompts
RUN .venv/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && .venv/bin/python -m compileall -q app github_sandbox webhooks

# Runtime stage: Python, git (hardened, for reading objects) and CA certificates.
FROM python:3.13-slim-trixie
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin quorum \
    && install --directory --owner quorum --mode 0700 /data
COPY --from=build /opt/quorum /opt/quorum
# The root file system can be read-only: data goes to /data, temporary files to /tmp (a tmpfs).
ENV PATH=/opt/quorum/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    QUORUM_DATA_DIR=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["quorum"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

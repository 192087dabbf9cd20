FROM python:3.11-slim

# The libraries alone first: they change rarely, and this layer is then reused.
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY chains chains
COPY cli cli
COPY commands commands
COPY domain domain
COPY event_store event_store
COPY localnet localnet
COPY projections projections
COPY runtime runtime
COPY venues venues
COPY verification verification
COPY workers workers
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . \
 && useradd --uid 10001 --no-create-home surefill \
 && install -d -o surefill -g surefill -m 0711 /data

USER surefill
ENV DATA_DIR=/data LOG_FORMAT=json PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["surefill"]
CMD ["--help"]

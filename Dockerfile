# One image for every role: tidebook serve --role ingest|book|series|query|control|live, and tidebook db upgrade.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/tidebook
WORKDIR /source
COPY requirements-server.txt ./
RUN /opt/tidebook/bin/pip install --require-hashes -r requirements-server.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
# The build backend is among the pinned requirements: nothing more is fetched here.
RUN /opt/tidebook/bin/pip install --no-deps --no-index --no-build-isolation .

FROM python:3.13-slim
RUN groupadd --system --gid 10001 tidebook \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent tidebook
COPY --from=build /opt/tidebook /opt/tidebook
# The root of the file system may be read-only: with a database elsewhere nothing is written.
ENV PATH=/opt/tidebook/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TIDEBOOK_DATA_DIR=/var/lib/tidebook \
    TIDEBOOK_HOST=0.0.0.0 \
    TIDEBOOK_LOG_FORMAT=json
USER 10001:10001
EXPOSE 8000 8001 8002 8003 8004 8005
STOPSIGNAL SIGTERM
ENTRYPOINT ["tidebook"]
CMD ["serve"]

# The cloud half. `make images` fills build/images/ first: wheels pinned by constraints.txt, so a
# build needs no network, only a base with Python 3.11.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG ARCHITECTURE=amd64
COPY build/images/wheels-cloud-${ARCHITECTURE} /wheels
RUN python3 -m venv /opt/tierwise \
 && /opt/tierwise/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl \
 && /opt/tierwise/bin/pip uninstall --yes pip setuptools

FROM ${BASE}
LABEL org.opencontainers.image.title="tierwise, cloud half" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/tierwise /opt/tierwise
# /var/lib/tierwise is where the root may be written: mount a volume there.
RUN useradd --uid 10001 --home-dir /var/lib/tierwise --create-home tierwise
ENV PATH=/opt/tierwise/bin:$PATH \
    HOME=/var/lib/tierwise \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/tierwise
EXPOSE 8080 8800
ENTRYPOINT ["tierwise"]
# AgentCore Runtime starts an image as it is; a Deployment says `serve` itself.
CMD ["agentcore", "--host", "0.0.0.0"]

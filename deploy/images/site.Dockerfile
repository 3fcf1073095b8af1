# The site half. `make images` fills build/images/ first: wheels pinned by constraints.txt, and the
# embedding artifact, which is the same for every processor. No torch, no network when it starts.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG ARCHITECTURE=amd64
COPY build/images/wheels-site-${ARCHITECTURE} /wheels
COPY build/images/models /opt/tierwise/models
RUN python3 -m venv /opt/tierwise \
 && /opt/tierwise/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl \
 && /opt/tierwise/bin/pip uninstall --yes pip setuptools \
 && TIERWISE_MODELS=/opt/tierwise/models /opt/tierwise/bin/python -c \
      'from rag.model_artifact import find_artifact as found; assert found(), "no intact artifact"'

FROM ${BASE}
LABEL org.opencontainers.image.title="tierwise, site half" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/tierwise /opt/tierwise
# /site is the site directory: mount a volume there.
RUN useradd --uid 10001 --home-dir /site --create-home tierwise
ENV PATH=/opt/tierwise/bin:$PATH \
    HOME=/tmp \
    TIERWISE_MODELS=/opt/tierwise/models \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /site
EXPOSE 8700
ENTRYPOINT ["tierwise-site"]
CMD ["serve", "/site", "--host", "0.0.0.0"]

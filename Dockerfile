# Two images from one file:
#
#   docker build --target toolkit -t compressor .
#   docker run --rm -v "$PWD:/work" -v compressor-cache:/cache compressor run recipes/quickstart.yaml
#
#   docker build --target runtime -t compressor-runtime .
#   docker run --rm -v "$PWD/runs/quickstart/bundle:/bundle:ro" compressor-runtime predict /bundle "a gripping film"
#   docker run --rm -v "$PWD/runs/quickstart/bundle:/bundle:ro" -p 8000:8000 compressor-runtime serve /bundle --host 0.0.0.0
#
# On x86 the package index serves torch with CUDA, several GB of it. For CPUs alone, name an index that carries CPU
# builds: --build-arg PIP_EXTRA_INDEX_URL=...

FROM python:3.11.15-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    OMP_WAIT_POLICY=PASSIVE
RUN useradd --create-home --uid 1000 compressor && install --directory --owner=compressor /work /cache

FROM base AS source
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY compressor compressor
COPY recipes recipes

FROM source AS toolkit-install
ARG PIP_EXTRA_INDEX_URL=""
RUN python -m venv /opt/compressor
RUN /opt/compressor/bin/python -m pip install -c constraints.txt '.[toolkit]'

FROM source AS runtime-install
RUN python -m venv /opt/compressor
RUN /opt/compressor/bin/python -m pip install -c constraints.txt '.[serve,sign]'

# The whole command line with the compression stack. Recipes and runs in /work, finished stages and downloads in /cache.
FROM base AS toolkit
COPY --from=toolkit-install /opt/compressor /opt/compressor
ENV PATH=/opt/compressor/bin:$PATH \
    COMPRESSOR_HOME=/cache
USER compressor
WORKDIR /work
HEALTHCHECK --interval=5m --timeout=30s CMD ["compressor", "doctor"]
ENTRYPOINT ["compressor"]
CMD ["--help"]

# Runs or serves a bundle mounted at /bundle: onnxruntime, tokenizers and numpy, no torch; and checks who signed it (--key).
# Without a command it tests the bundle.
FROM base AS runtime
COPY --from=runtime-install /opt/compressor /opt/compressor
# One thread, as bundles are measured; onnxruntime's own pool is sized by `--threads`.
ENV PATH=/opt/compressor/bin:$PATH \
    COMPRESSOR_HOME=/cache \
    OMP_NUM_THREADS=1
USER compressor
WORKDIR /work
EXPOSE 8000
HEALTHCHECK --interval=5m --timeout=30s CMD ["compressor", "doctor"]
ENTRYPOINT ["compressor"]
CMD ["verify", "/bundle"]

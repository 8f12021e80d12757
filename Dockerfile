# The web process and the worker, from one image: `docker compose up --build`.

FROM node:24-slim AS styles
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY service/web/styles service/web/styles
RUN npm run build

FROM python:3.13-slim AS python
ARG UV=uv==0.13.9
ARG TORCH=2.13.0
ENV UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
WORKDIR /app
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir "$UV" \
    && .venv/bin/pip install --no-cache-dir --no-deps \
        --extra-index-url https://download.pytorch.org/whl/cpu "torch==$TORCH+cpu"
COPY pyproject.toml uv.lock README.md ./
COPY LICENSES LICENSES
RUN .venv/bin/uv sync --frozen --inexact --no-cache --no-default-groups --group torch --no-install-project
COPY models models
COPY service service
COPY workers workers
COPY --from=styles /build/service/web/static/build service/web/static/build
RUN .venv/bin/uv sync --frozen --inexact --no-cache --no-default-groups --group torch

FROM python:3.13-slim
RUN useradd --system --no-create-home --uid 10001 kring
COPY --from=python /app /app
ENV PATH=/app/.venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER kring
EXPOSE 8000
CMD ["kring", "serve"]

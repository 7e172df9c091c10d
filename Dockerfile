# One image per service: docker build --build-arg SERVICE=catalog --tag souk-catalog .
# compose.yaml builds all three; docs/containers.md tells what is in them and what is not.

ARG PYTHON_IMAGE=python:3.13-slim

# The locked wheels.
FROM ${PYTHON_IMAGE} AS wheels
ARG SERVICE
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
RUN case "$SERVICE" in auth|catalog|order) ;; \
      *) echo "Say which service: --build-arg SERVICE=auth, catalog or order." >&2; exit 1 ;; esac
COPY requirements/${SERVICE}.txt /requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/venv \
 && python -m pip --python /opt/venv/bin/python install --quiet \
      --require-hashes --only-binary :all: --no-compile --requirement /requirements.txt

# Of them what is ever loaded: not what the command lines of Celery and Rich are for, packages' own
# tests, Django's translations (USE_I18N is off), botocore's descriptions of other services than S3,
# Pillow's formats that the catalog takes no picture in, its fonts and colour profiles, and static
# files, which the next stage collects. Files never change under a read-only root, so that the
# bytecode need not compare times.
FROM wheels AS venv
RUN python -m pip --python /opt/venv/bin/python uninstall --quiet --yes \
      click-repl prompt-toolkit wcwidth pygments \
 && cd /opt/venv/lib/python3*/site-packages \
 && find . -type d \( -name tests -o -name static ! -exec test -e '{}/__init__.py' \; \) -prune -exec rm -rf {} + \
 && find . -path '*/locale/*' -name '*.[mp]o' -delete \
 && if [ -d botocore ]; then find botocore/data -mindepth 1 -maxdepth 1 -type d \
      ! -name s3 ! -name 'sso*' ! -name sts ! -name signin -exec rm -rf {} +; fi \
 && if [ -d PIL ]; then rm -f PIL/_avif.* PIL/_imagingft.* PIL/_imagingcms.* PIL/_imagingtk.* \
      pillow.libs/libavif-* pillow.libs/libharfbuzz-* pillow.libs/libfreetype-* pillow.libs/liblcms2-*; fi \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

# The service's own part of this tree.
FROM wheels AS app
WORKDIR /app
COPY manage.py ./
COPY chassis chassis
COPY settings settings
COPY apps/__init__.py apps/
COPY apps/${SERVICE}_service apps/${SERVICE}_service
# The variables without which no command runs. They stay in this stage, and are nobody's.
RUN rm settings/document.py \
 && for other in auth catalog order; do [ "$other" = "$SERVICE" ] || rm "settings/$other.py"; done \
 && if [ "$SERVICE" != catalog ]; then rm settings/storage.py; fi \
 && SECRET_KEY=of-the-build-alone-0123456789-abcdefghijklmnopqrstuvwxyz \
    ENCRYPTION_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    CLIENT_SECRET=of-the-build-alone-0123456789-abcdefghijklmnopqrstuvwxyz \
    CATALOG_CLIENT_SECRET_HASHES=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 \
    ORDER_CLIENT_SECRET_HASHES=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 \
    DATABASE_URL=postgresql://build@localhost/build \
    BROKER_URL=redis://localhost/0 CACHE_URL=redis://localhost/0 \
    PUBLIC_URL=http://localhost ALLOWED_HOSTS=localhost \
    AUTH_URL=http://localhost CATALOG_URL=http://localhost ORDER_URL=http://localhost \
    STATIC_ROOT=/app/static \
    /opt/venv/bin/python manage.py "$SERVICE" collectstatic --no-input --verbosity 0 \
      --ignore '*.map' --ignore redoc \
 && find chassis apps -type d -name static -prune -exec rm -rf {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash . \
 && chmod -R a+rX . \
 && install -d -o 10001 -g 10001 -m 0750 /data /data/media /data/files

# What the image holds of Python packages, as CycloneDX.
FROM ${PYTHON_IMAGE} AS inventory
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/sbom.txt /requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/sbom \
 && python -m pip --python /opt/sbom/bin/python install --quiet \
      --require-hashes --only-binary :all: --no-compile --requirement /requirements.txt
FROM inventory AS sbom
COPY --from=venv /opt/venv /opt/venv
RUN /opt/sbom/bin/cyclonedx-py environment --output-reproducible --of JSON -o /sbom.cdx.json /opt/venv

FROM ${PYTHON_IMAGE}
# No installer is left, and the processes' user has a name.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip /usr/local/lib/python3*/site-packages/pip-* \
      /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
 && echo 'souk:x:10001:10001:Souk:/tmp:/usr/sbin/nologin' >>/etc/passwd \
 && echo 'souk:x:10001:' >>/etc/group
COPY --from=venv /opt/venv /opt/venv
COPY --from=sbom /sbom.cdx.json /usr/share/souk/sbom.cdx.json
COPY --from=app --chown=10001:10001 /data /data
COPY --from=app /app /app

ARG SERVICE
ARG VERSION=dev
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="souk-${SERVICE}" \
      org.opencontainers.image.description="The ${SERVICE} service of Souk: web, worker, relay and its commands" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    SERVICE=${SERVICE} \
    SOUK_VERSION=${VERSION} \
    STATIC_ROOT=/app/static \
    HEALTH_FILE=/tmp/health
WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Alive, not ready (chassis/probe.py): who is ready the gateway asks by itself. Patient, for it drops
# what Docker calls unhealthy, and a machine that is too busy for a probe is no reason to.
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --start-interval=3s --retries=6 \
  CMD ["python", "-IS", "/app/chassis/probe.py"]
ENTRYPOINT ["python", "manage.py"]
CMD ["web"]

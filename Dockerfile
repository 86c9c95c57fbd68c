# The command `exr-inspector` with all extras, for people without DataEngine's builder:
#   docker build -t exr-inspector .
#   docker run --rm -v /mnt/renders:/mnt/renders:ro exr-inspector inspect /mnt/renders/sh010 --recursive
# deploy.sh builds the function's image, which this is not.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
COPY --from=build /wheels /tmp/wheels
COPY requirements.txt /tmp/requirements.txt
# The versions are those of the lock. The wheel is the only one in its folder.
RUN pip install --no-cache-dir --constraint /tmp/requirements.txt "$(echo /tmp/wheels/*.whl)[all]" \
  && rm -r /tmp/wheels /tmp/requirements.txt \
  && useradd --create-home --uid 10001 inspector
USER 10001
WORKDIR /home/inspector
ENTRYPOINT ["exr-inspector"]
CMD ["--help"]

#!/usr/bin/env bash
# From a clone to a running function on VAST DataEngine: ./deploy.sh --config .env
# docs/DEPLOYMENT_AUTOMATION.md explains every step. Needs bash 4.
# The functions named step_* are called by name:
# shellcheck disable=SC2317,SC2329
set -euo pipefail
umask 077

STEPS=(check settings cluster test build push function trigger pipeline deploy verify)
ON_REQUEST=(status rollback destroy)

usage() {
  cat <<END
Usage: ./deploy.sh --config FILE [--dry-run] [--yes] [STEP...]

Without a STEP, all of these in order, from where an earlier run failed:
  ${STEPS[*]}
Only on request:
  status             what runs, and its last errors
  rollback REVISION  run an earlier revision of the function
  destroy            remove pipeline, triggers and function; rows and images stay

  --config FILE      settings: a copy of .env.example, filled in
  --dry-run          print every command, call neither vastde nor docker
  --yes              do not ask before destroy
END
}

# --- small tools ------------------------------------------------------------------------------------------

say() { printf '%s\n' "$@" >&2; }

die() { # WHAT NEXT: end with what went wrong and what to do about it
  say "" "deploy.sh: $1" "Next: $2"
  exit 1
}

dry() { [[ -n $DRY_RUN ]]; }

run() { # COMMAND...: the one door to every command; none is ever given a secret as an argument
  local shown
  printf -v shown '%q ' "$@"
  say "  \$ ${shown% }"
  dry || "$@"
}

must() { # WHAT NEXT COMMAND...
  local what=$1 next=$2
  shift 2
  run "$@" || die "$what" "$next"
}

ask() { # QUESTION... -- VASTDE...: yes or no from vastde's JSON, details in ANSWER; no in a dry run
  local question=() json code=0
  while [[ $1 != -- ]]; do
    question+=("$1")
    shift
  done
  shift
  ANSWER=
  json=$(run "$@" -o json) || die "'$*' failed, and no answer is not a no" "vastde's message says why; $AGAIN"
  ! dry || return 1
  ANSWER=$("$PYTHON" -m deploy.answers "${question[@]}" <<<"$json") || code=$?
  ((code < 2)) || die "the answer to '$*' is not of a known form" "look at it: $* -o json"
  return "$code"
}

# --- settings, and what outlives a run: the image's tag, revisions, the steps that were done ----------------

load() { # names from the settings and from earlier runs, into IS
  [[ -z ${IS[name]:-} ]] || return 0
  render
  remove_secrets
  read_pairs "$OUT/state"
  read_pairs "$OUT/names"
  WANTED="$(cksum <"$CONFIG") $("$PYTHON" -m deploy.pack)"
}

render() { # OPTIONS...: the manifests, of which those with secrets live no longer than they are needed
  "$PYTHON" -m exr_inspector deploy render --config "$CONFIG" --output "$OUT" "$@" >/dev/null || exit 2
}

remove_secrets() { rm -f "$OUT/secret.yaml" "$OUT/config.yaml"; }

read_pairs() { # FILE
  local line
  [[ -e $1 ]] || return 0
  while IFS= read -r line; do IS[${line%%=*}]=${line#*=}; done <"$1"
}

remember() { # KEY VALUE
  IS[$1]=$2
  save
}

forget() { # STEP: that what comes after it was done
  local step after=
  for step in "${STEPS[@]}"; do
    [[ -z $after ]] || unset "IS[done_$step]"
    [[ $step != "$1" ]] || after=yes
  done
  save
}

save() {
  local key
  ! dry || return 0
  for key in "${!IS[@]}"; do printf '%s=%s\n' "$key" "${IS[$key]}"; done >"$OUT/state.part"
  mv "$OUT/state.part" "$OUT/state"
}

built() { # the tag of the last image, into TAG
  TAG=${IS[tag]:-}
  ! dry || TAG=${TAG:-TAG}
  [[ -n $TAG ]] || die "no image was built yet" "$AGAIN build"
}

# --- the steps --------------------------------------------------------------------------------------------

step_check() {
  local tool minimum free
  for tool in vastde docker; do
    dry || command -v "$tool" >/dev/null || die "$tool is not installed" "$GUIDE tells where to get $tool"
  done
  must "vastde does not run" "$GUIDE tells where to get vastde of the cluster's own version" vastde version
  # Not `vastde config view`: some versions print the password.
  must "vastde cannot log in" "vastde config set ..., until 'vastde functions list' works; $GUIDE" \
    vastde functions list >/dev/null
  minimum=$(must "docker does not answer" "start the Docker daemon; then $AGAIN" \
    docker version --format '{{.Server.MinAPIVersion}}')
  ((10#0${minimum#1.} <= 38)) || # vastde speaks version 1.38 of Docker's API and nothing newer
    die "Docker's daemon refuses vastde: it wants API $minimum, and vastde speaks 1.38" \
      "put \"min-api-version\": \"1.38\" into the daemon's daemon.json and restart it"
  [[ $(run docker info --format '{{.DriverStatus}}') != *io.containerd.snapshotter* ]] ||
    say "  Warning: builds are known to fail (status 62) with the containerd image store; use the classic one."
  free=$(df -Pk "${TMPDIR:-/tmp}" | awk 'NR == 2 {print int($4 / 1048576)}')
  ((free >= 4)) || say "  Warning: $free GiB are free in ${TMPDIR:-/tmp}, and a build wants 4; set TMPDIR."
  [[ $(uname -m) == x86_64 ]] || say "  Warning: the image is for linux/amd64, so emulation builds it here."
}

step_settings() { "$PYTHON" -m exr_inspector deploy check --config "$CONFIG" || exit 2; }

step_cluster() {
  have compute-clusters "${IS[kubernetes_cluster]}"
  have container-registries "${IS[container_registry]}"
  have topics "${IS[topic]}" --database-name "${IS[broker]}"
  have buckets "${IS[source_bucket]}"
  have buckets "${IS[database_bucket]}"
}

have() { # KIND NAME OPTIONS...: made by an administrator; the answer may hold credentials and is not shown
  local kind=$1 name=$2
  shift 2
  must "vastde finds no $name among the $kind" "vastde $kind list${*:+ $*}; an administrator makes what is missing" \
    vastde "$kind" get "$name" "$@" -o json >/dev/null
}

make_sample() {
  SAMPLE=$OUT/sample/shots/sq010/sh010/beauty.1001.exr
  [[ -e $SAMPLE ]] || must "no sample was written" "make install; then $AGAIN" \
    "$PYTHON" -m tests.exrfiles.demo "$OUT/sample" >/dev/null
}

step_test() {
  make_sample
  rm -f "$OUT/smoke.duckdb"
  must "the function does not work on this machine" "make install and make test say more" \
    env "EXR_INSPECTOR_DB=$OUT/smoke.duckdb" "$PYTHON" deploy/smoke.py functions/exr_inspector "$SAMPLE"
}

step_build() {
  local tag platform
  must "the function was not packed" "the message above says why" \
    "$PYTHON" -m deploy.pack build/exr_inspector.tar.gz --into "$OUT/source"
  # A tag that is used again may be served from a cache: instances would run older code, or not start.
  until tag=$(date -u +%Y%m%dT%H%M%SZ) && [[ $tag != "${IS[tag]:-}" ]]; do sleep 1; done
  must "the image was not built" "$OUT/source/build.log and $GUIDE; then $AGAIN" \
    env DOCKER_DEFAULT_PLATFORM=linux/amd64 vastde functions build "${IS[name]}" \
    -t "$OUT/source" -H main.py -V "${IS[python_version]}" -T "$tag"
  platform=$(must "the image is not there" "docker images ${IS[name]}" \
    docker image inspect --format '{{.Os}}/{{.Architecture}}' "${IS[name]}:$tag")
  dry || [[ $platform == linux/amd64 ]] ||
    die "the image is for $platform, which the cluster cannot run" "build on a linux/amd64 machine"
  remember tag "$tag"
}

step_push() {
  built
  local image="${IS[registry_url]}/${IS[image]}:$TAG"
  must "the image is no longer here" "$AGAIN build push" docker tag "${IS[name]}:$TAG" "$image"
  must "the image was not pushed" "docker login ${IS[registry_url]%%/*}; then $AGAIN" docker push "$image"
}

step_function() {
  built
  if ! published "$TAG"; then
    put functions "${IS[name]}" "where it is 422 on last_published_revision_number, a fault of vastde 5.5.0-sp2: \
publish a revision with image tag $TAG in the web UI; then $AGAIN" \
      --container-registry "${IS[container_registry]}" --artifact-source "${IS[image]}" --artifact-type image \
      --image-tag "$TAG" --publish
  fi
  find_revision --tag "$TAG"
}

published() { # TAG
  ask exists "${IS[name]}" -- vastde functions list &&
    ask revision --tag "$1" -- vastde functions get "${IS[name]}" --with-revisions
}

put() { # KIND NAME NEXT OPTIONS...: create it, or update what is there
  local kind=$1 name=$2 next=$3 verb=(create --name "$2")
  shift 3
  ! ask exists "$name" -- vastde "$kind" list || verb=(update "$name")
  must "$name was not brought into DataEngine" "$next" vastde "$kind" "${verb[@]}" "$@"
}

find_revision() { # OPTIONS...: of the published revisions the newest that fits, into REVISION
  ask revision "$@" -- vastde functions get "${IS[name]}" --with-revisions || dry ||
    die "${IS[name]} has no published revision${2:+ with ${1#--} $2}" \
      "vastde functions get ${IS[name]} --with-revisions; $AGAIN push function makes one"
  REVISION=${ANSWER:-${REVISION:-1}}
}

step_trigger() {
  local next="an administrator lets ${IS[source_bucket]} send events to ${IS[broker]}; then $AGAIN"
  put triggers "${IS[trigger_lower]}" "$next" --from-file "$OUT/trigger-exr.yaml"
  put triggers "${IS[trigger_upper]}" "$next" --from-file "$OUT/trigger-exr-upper.yaml"
}

step_pipeline() {
  if [[ -n ${IS[tag]:-} ]]; then find_revision --tag "${IS[tag]}"; else find_revision; fi
  put_pipeline
}

put_pipeline() { # with REVISION
  render --revision "$REVISION" --tag "${IS[tag]:-latest}"
  put pipelines "${IS[pipeline]}" "where it is 500, as some versions answer: create it from $OUT/pipeline.yaml \
in the web UI; then $AGAIN" --config "@$OUT/pipeline.yaml" --secret-file "$OUT/secret.yaml"
  remove_secrets
  [[ ${IS[revision]:-$REVISION} == "$REVISION" ]] || remember before "${IS[revision]}"
  remember revision "$REVISION"
}

step_deploy() { # only this changes what runs
  local waited=0 pause=$((IS[wait] < 5 ? IS[wait] : 5))
  must "the pipeline was not deployed" "vastde pipelines get ${IS[pipeline]}; then $AGAIN" \
    vastde pipelines deploy "${IS[pipeline]}"
  until ask status Ready -- vastde pipelines get "${IS[pipeline]}" || dry; do
    ((waited < IS[wait])) || die "after ${IS[wait]} s the pipeline is '$ANSWER', not Ready" "$(logs); then $AGAIN"
    sleep "$pause"
    waited=$((waited + pause))
  done
}

logs() { printf 'vastde logs get %s --since 15m --order-by desc --limit 1000' "${IS[pipeline]}"; }

step_verify() {
  if [[ -z ${IS[sample_upload]} ]]; then
    say "  DEPLOY_SAMPLE_UPLOAD is false, so nothing is uploaded." \
      "  To see it work, put an EXR file into ${IS[source_bucket]}; then $(logs)"
    return
  fi
  local code=0
  make_sample
  run "$PYTHON" -m deploy.verify "$CONFIG" "$SAMPLE" || code=$?
  ((code != 1)) || die "the sample's row did not come" "$(logs); then $AGAIN verify"
  ((code == 0)) || die "bucket or database cannot be reached from here" "the message above says why; $AGAIN verify"
}

# --- on request -------------------------------------------------------------------------------------------

step_status() {
  FAILED=0
  report vastde functions get "${IS[name]}" --with-revisions
  report vastde triggers get "${IS[trigger_lower]}"
  report vastde triggers get "${IS[trigger_upper]}"
  report vastde pipelines get "${IS[pipeline]}"
  report vastde logs get "${IS[pipeline]}" --severity ERROR --since 1h --order-by desc --limit 20
  ((FAILED == 0)) || die "$FAILED of these could not be looked up" "vastde's messages above say why"
}

report() { run "$@" || FAILED=$((FAILED + 1)); }

step_rollback() {
  find_revision --number "$REVISION"
  forget function
  put_pipeline
  step_deploy
}

step_destroy() {
  local each
  confirm
  for each in "pipelines ${IS[pipeline]}" "triggers ${IS[trigger_lower]}" "triggers ${IS[trigger_upper]}" \
    "functions ${IS[name]}"; do
    remove "${each% *}" "${each#* }"
  done
  say "  Rows, images and the secret are still there; $GUIDE"
  dry || rm -rf "$OUT"
}

confirm() {
  local typed=
  [[ -z $YES$DRY_RUN ]] || return 0
  say "  This removes pipeline, triggers and function. Type ${IS[name]} to go on:"
  read -r typed || true
  [[ $typed == "${IS[name]}" ]] || die "not confirmed, so nothing was removed" "type ${IS[name]}, or give --yes"
}

remove() { # KIND NAME; should vastde ask once more, the answer is the one given above
  dry || ask exists "$2" -- vastde "$1" list || return 0
  must "$2 was not removed" "the message above says why; then $AGAIN destroy" vastde "$1" delete "$2" <<<y
}

# --- the order of things ----------------------------------------------------------------------------------

parse() {
  while (($#)); do
    case $1 in
      --config) CONFIG=${2:-} ;;
      --dry-run) DRY_RUN=yes ;;
      --yes) YES=yes ;;
      -h | --help) usage && exit 0 ;;
      rollback) NAMED+=("$1") && REVISION=${2:-} ;;
      *) NAMED+=("$1") ;;
    esac
    case $1 in --config | rollback) shift ;; esac
    shift || break
  done
  check_words
}

check_words() {
  local step
  for step in ${NAMED[@]+"${NAMED[@]}"}; do
    [[ " ${STEPS[*]} ${ON_REQUEST[*]} " == *" $step "* ]] || wrong "there is no step $step"
    [[ $step != rollback || $REVISION =~ ^[1-9][0-9]*$ ]] || wrong "rollback needs the number of a revision"
  done
  [[ -n $CONFIG ]] || wrong "--config needs a file"
  [[ -f $CONFIG ]] || die "there is no $CONFIG" "cp .env.example .env; chmod 600 .env; fill it in"
}

wrong() {
  usage >&2
  say "" "deploy.sh: $1"
  exit 2
}

main() {
  trap remove_secrets EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  local step
  for step in ${NAMED[@]+"${NAMED[@]}"}; do by_hand "$step"; done
  if ((${#NAMED[@]} == 0)); then all_steps; fi
}

by_hand() { # STEP: what was made from its earlier outcome is to be made again; the first four make nothing
  case $1 in check | settings | cluster | test) ;; *) load && forget "$1" ;; esac
  perform "$1"
}

perform() { # STEP
  [[ $1 == check ]] || load
  say "== $1"
  "step_$1"
}

all_steps() { # those that an unfinished run has done with the same settings and code are not done again
  local step
  for step in "${STEPS[@]}"; do
    if [[ -n $WANTED && ${IS[done_$step]:-} == "$WANTED" ]]; then
      say "== $step: done before"
    else
      perform "$step"
      [[ $step == check || $step == settings ]] || remember "done_$step" "$WANTED"
    fi
  done
  forget "${STEPS[0]}"
  if dry; then say "" "Nothing was called. The manifests are in $OUT"; return; fi
  say "" "Done.${IS[before]:+ To go back: $AGAIN rollback ${IS[before]}}"
}

((BASH_VERSINFO[0] >= 4)) || { echo "deploy.sh: bash ${BASH_VERSION} is too old; it needs 4" && exit 2; }
CONFIG='' DRY_RUN='' YES='' REVISION='' ANSWER='' SAMPLE='' TAG='' WANTED='' FAILED=0
NAMED=()
declare -A IS=()
parse "$@"
printf -v AGAIN './deploy.sh --config %q' "$CONFIG"
GUIDE="see docs/DEPLOYMENT_AUTOMATION.md"
CONFIG=$(cd "$(dirname "$CONFIG")" && pwd)/${CONFIG##*/}
OUT=${CONFIG##*/} && OUT=${OUT#.} && OUT=build/deploy/${OUT//[^A-Za-z0-9]/_}-$(cksum <<<"$CONFIG" | cut -d ' ' -f 1)
# From here on our paths are relative: vastde takes a comma in a path for the end of it.
cd "$(dirname "${BASH_SOURCE[0]}")"

export PYTHONPATH="$PWD:$PWD/functions/exr_inspector" PYTHONDONTWRITEBYTECODE=1
PYTHON=${PYTHON:-$PWD/.venv/bin/python}
[[ -x $PYTHON ]] || PYTHON=python3
"$PYTHON" -c 'import exr_inspector.apps.cli' 2>/dev/null ||
  die "$PYTHON is not Python 3.10 or later with the extra 'cli'" "make install"

# The filter lets no interrupt stop it, so that the last words are seen.
main 2>&1 | (trap '' INT && exec "$PYTHON" -m deploy.mask "$CONFIG")

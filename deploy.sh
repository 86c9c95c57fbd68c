#!/usr/bin/env bash
# Deploy exr-inspector from a clone to VAST DataEngine: ./deploy.sh --config .env
# docs/DEPLOYMENT_AUTOMATION.md explains every step. Needs bash 4.
# The functions step_* are called by name:
# shellcheck disable=SC2317,SC2329
set -euo pipefail
umask 077

STEPS=(check settings cluster test build push function trigger pipeline deploy verify)
ON_REQUEST=(status rollback destroy)
API=1.38 # version of Docker's API that vastde uses

usage() {
  cat <<END
Usage: ./deploy.sh --config FILE [OPTION...] [STEP...]

Without a STEP, run all of these in order, and resume after a failure:
  ${STEPS[*]}
Only on request:
  status             show what is deployed and the errors of the last hour
  rollback REVISION  run an earlier revision of the function with the settings that it was deployed with
  destroy            remove the pipeline, the triggers and the function; keep rows and images

  --config FILE      settings: a completed copy of .env.example
  --pixels           the second function, which measures pixels on a schedule; it is deployed apart
  --dry-run          print every command without calling vastde or docker
  --current-settings roll back with the settings of FILE
  --yes              destroy without asking
END
}

# --- messages and commands --------------------------------------------------------------------------------

say() { printf '%s\n' "$@" >&2; }

die() { # WHAT NEXT: report what went wrong and what to do about it, and exit
  say "" "deploy.sh: $1" "Next: $2"
  exit 1
}

wrong_usage() { # WHAT
  usage >&2
  say "" "deploy.sh: $1"
  exit 2
}

dry() { [[ -n $DRY_RUN ]]; }

run() { # COMMAND...: print a command and run it; every command runs here, and no argument is ever a secret
  local shown wrapper=()
  printf -v shown '%q ' "$@"
  say "  \$ ${shown% }"
  # The secret file is a link to memory that exists only while the command runs.
  [[ " $* " != *" --secret-file "* ]] || wrapper=("$PYTHON" -m deploy.with_secret ${PIXELS:+--pixels} "$CONFIG" "$OUT/secret.yaml")
  dry || ${wrapper[@]+"${wrapper[@]}"} "$@"
}

must() { # WHAT NEXT COMMAND...: run a command; die if it fails
  local what=$1 next=$2
  shift 2
  run "$@" || die "$what" "$next"
}

ask() { # QUESTION... -- VASTDE...: answer a yes-no question from vastde's JSON, with details in ANSWER
  local question=() json code=0
  while [[ $1 != -- ]]; do
    question+=("$1")
    shift
  done
  shift
  ANSWER=
  json=$(run "$@" -o json) || die "the query '$*' failed" "vastde's message above explains why; $AGAIN"
  ! dry || return 1
  ANSWER=$("$PYTHON" -m deploy.answers "${question[@]}" <<<"$json") || code=$?
  ((code < 2)) || die "the output of '$*' has an unknown format" "inspect it: $* -o json"
  return "$code"
}

# --- settings, and the state that outlives a run: the image tag, revisions, completed steps -----------------

load() { # read the settings and the state into IS
  [[ -z ${IS[name]:-} ]] || return 0
  render
  read_pairs "$OUT/state"
  read_pairs "$OUT/names"
  [[ -z ${IS[ca_bundle]} ]] || PACK+=(--ca-bundle "${IS[ca_bundle]}")
  WANTED="$(cksum <"$CONFIG") $("${PACK[@]}")"
}

render() { # OPTIONS...: write the manifests, except those with secrets
  "$PYTHON" -m exr_inspector deploy render --config "$CONFIG" --output "$OUT" ${PIXELS:+--pixels} --no-secrets "$@" \
    >/dev/null || exit 2
}

read_pairs() { # FILE
  local line
  [[ -e $1 ]] || return 0
  while IFS= read -r line; do IS[${line%%=*}]=${line#*=}; done <"$1"
}

remember() { # KEY VALUE
  IS[$1]=$2
  save
}

forget() { # STEP: mark the later steps as not completed
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
  for key in "${!IS[@]}"; do printf '%s=%s\n' "$key" "${IS[$key]}"; done | "$PYTHON" -m deploy.state save "$OUT/state"
}

lock() { # keep other runs with these settings out until this one ends
  local holder
  "$PYTHON" -m deploy.state prepare "$OUT" || die "the folder $OUT cannot be used" "the message above explains why"
  exec 9<>"$OUT/lock" # the commands that this run starts hold the lock too
  holder=$("$PYTHON" -m deploy.state lock 9 $$) ||
    die "another run of deploy.sh with $CONFIG is active, process $holder" \
      "wait until it and the commands that it started have ended; then $AGAIN"
}

find_tag() { # the tag of the last image, into TAG
  TAG=${IS[tag]:-}
  ! dry || TAG=${TAG:-TAG}
  [[ -n $TAG ]] || die "no image was built yet" "$AGAIN build"
}

# --- the steps --------------------------------------------------------------------------------------------

step_check() {
  local tool minimum free
  for tool in vastde docker; do
    dry || command -v "$tool" >/dev/null || die "$tool is not installed" "install it; $GUIDE"
  done
  must "vastde does not run" "install the vastde version of your cluster; $GUIDE" vastde version
  # Do not use `vastde config view`: some versions print the password.
  must "vastde cannot log in" "run 'vastde config set ...' until 'vastde functions list' works; $GUIDE" \
    vastde functions list >/dev/null
  minimum=$(must "docker does not respond" "start the Docker daemon; then $AGAIN" \
    docker version --format '{{.Server.MinAPIVersion}}')
  ((10#0${minimum#1.} <= ${API#1.})) ||
    die "the Docker daemon rejects vastde: it requires API $minimum, and vastde uses $API" \
      "put \"min-api-version\": \"$API\" into the daemon's daemon.json and restart it"
  [[ $(run docker info --format '{{.DriverStatus}}') != *io.containerd.snapshotter* ]] ||
    say "  Warning: builds with the containerd image store fail with status 62; use the classic store."
  free=$(df -Pk "${TMPDIR:-/tmp}" | awk 'NR == 2 {print int($4 / 1048576)}')
  ((free >= 4)) || say "  Warning: a build needs 4 GiB in ${TMPDIR:-/tmp}, and $free GiB are free; set TMPDIR."
  [[ $(uname -m) == x86_64 ]] || say "  Warning: the image is for linux/amd64; this machine builds it by emulation."
}

step_settings() { "$PYTHON" -m exr_inspector deploy check --config "$CONFIG" || exit 2; }

step_cluster() {
  require compute-clusters "${IS[kubernetes_cluster]}"
  require container-registries "${IS[container_registry]}"
  require topics "${IS[topic]}" --database-name "${IS[broker]}"
  require buckets "${IS[source_bucket]}"
  require buckets "${IS[database_bucket]}"
}

require() { # KIND NAME OPTIONS...: die if it does not exist; hide vastde's answer, which may contain credentials
  local kind=$1 name=$2
  shift 2
  must "vastde finds no $name in $kind" "run 'vastde $kind list${*:+ $*}'; an administrator creates what is missing" \
    vastde "$kind" get "$name" "$@" -o json >/dev/null
}

make_sample() {
  SAMPLE=$OUT/sample/shots/sq010/sh010/beauty.1001.exr
  [[ -e $SAMPLE ]] || must "the sample files were not written" "make install; then $AGAIN" \
    "$PYTHON" -m tests.exrfiles.demo "$OUT/sample" >/dev/null
}

step_test() {
  make_sample
  rm -f "$OUT/smoke.duckdb"
  must "the function does not work on this machine" "make install and make test show details" \
    env "EXR_INSPECTOR_DB=$OUT/smoke.duckdb" "$PYTHON" deploy/smoke.py functions/exr_inspector "$SAMPLE"
}

step_build() {
  local tag platform
  must "the function was not packed" "the message above explains why" \
    "${PACK[@]}" "$OUT/exr_inspector.tar.gz" --into "$OUT/source"
  # A cache may serve an old image for a reused tag: instances would run old code or fail to start.
  until tag=$(date -u +%Y%m%dT%H%M%SZ) && [[ $tag != "${IS[tag]:-}" ]]; do sleep 1; done
  must "the image was not built" "read $OUT/source/build.log; $GUIDE; then $AGAIN" \
    env DOCKER_DEFAULT_PLATFORM=linux/amd64 vastde functions build "${IS[name]}" \
    -t "$OUT/source" -H "${IS[handler]}" -V "${IS[python_version]}" -T "$tag"
  platform=$(must "docker does not have the image" "docker images ${IS[name]}" \
    docker image inspect --format '{{.Os}}/{{.Architecture}}' "${IS[name]}:$tag")
  dry || [[ $platform == linux/amd64 ]] ||
    die "the image is for $platform, which the cluster cannot run" "build on a linux/amd64 machine"
  remember tag "$tag"
}

step_push() {
  find_tag
  local image="${IS[registry_url]}/${IS[image]}:$TAG"
  must "docker no longer has the image" "$AGAIN build push" docker tag "${IS[name]}:$TAG" "$image"
  must "the image was not pushed" "docker login ${IS[registry_url]%%/*}; then $AGAIN" docker push "$image"
}

step_function() {
  find_tag
  if ! is_published "$TAG"; then
    put functions "${IS[name]}" "after a 422 on last_published_revision_number, a bug of vastde 5.5.0-sp2, \
publish a revision with image tag $TAG in the web UI; then $AGAIN" \
      --container-registry "${IS[container_registry]}" --artifact-source "${IS[image]}" --artifact-type image \
      --image-tag "$TAG" --publish
  fi
  find_revision --tag "$TAG"
}

is_published() { # TAG
  ask exists "${IS[name]}" -- vastde functions list &&
    ask revision --tag "$1" -- vastde functions get "${IS[name]}" --with-revisions
}

put() { # KIND NAME NEXT OPTIONS...: create an object, or update it if it exists
  local kind=$1 name=$2 next=$3 verb=(create --name "$2")
  shift 3
  ! ask exists "$name" -- vastde "$kind" list || verb=(update "$name")
  must "vastde could not ${verb[0]} $name" "$next" vastde "$kind" "${verb[@]}" "$@"
}

find_revision() { # OPTIONS...: the newest published revision that matches, into REVISION
  ask revision "$@" -- vastde functions get "${IS[name]}" --with-revisions || dry ||
    die "${IS[name]} has no published revision${2:+ with ${1#--} $2}" \
      "run 'vastde functions get ${IS[name]} --with-revisions'; $AGAIN push function publishes one"
  REVISION=${ANSWER:-${REVISION:-1}}
}

step_trigger() { put_triggers "$OUT"; }

put_triggers() { # FOLDER of the manifests
  local next="ask an administrator to let ${IS[source_bucket]} send events to ${IS[broker]}; then $AGAIN"
  local names files index
  read -ra names <<<"${IS[triggers]}"
  read -ra files <<<"${IS[trigger_files]}"
  for index in "${!names[@]}"; do
    put triggers "${names[index]}" "$next" --from-file "$1/${files[index]}"
  done
}

step_pipeline() {
  if [[ -n ${IS[tag]:-} ]]; then find_revision --tag "${IS[tag]}"; else find_revision; fi
  put_current_pipeline
}

put_current_pipeline() { # run REVISION with the settings of CONFIG, and keep its manifests for a rollback
  local kept
  kept=$(manifests_of "$REVISION")
  render --revision "$REVISION" --tag "${IS[tag]:-latest}"
  put_pipeline "$OUT"
  dry && return
  rm -rf "$kept"
  mkdir -p "$kept"
  cp "$OUT"/{pipeline,trigger-*}.yaml "$kept"
}

manifests_of() { printf '%s/revisions/%s/%s' "$OUT" "${IS[name]}" "$1"; } # REVISION

put_pipeline() { # FOLDER of the manifest
  put pipelines "${IS[pipeline]}" "after a 500, which some versions return, create it in the web UI from \
$1/pipeline.yaml; if vastde cannot read the secret, see 'Secrets' in docs/DEPLOYMENT_AUTOMATION.md; then $AGAIN" \
    --config "@$1/pipeline.yaml" --secret-file "$OUT/secret.yaml"
  rm -f "$OUT/secret.yaml"
  [[ ${IS[revision]:-$REVISION} == "$REVISION" ]] || remember before "${IS[revision]}"
  remember revision "$REVISION"
}

step_deploy() { # the only step that changes what runs
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
  if [[ -n $PIXELS ]]; then
    say "  The schedule starts this function. To see what it has measured: $(logs)"
    return
  fi
  if [[ -z ${IS[sample_upload]} ]]; then
    say "  DEPLOY_SAMPLE_UPLOAD is false: no sample is uploaded." \
      "  To test the function, put an EXR file into ${IS[source_bucket]}; then $(logs)"
    return
  fi
  local code=0
  make_sample
  run "$PYTHON" -m deploy.verify "$CONFIG" "$SAMPLE" || code=$?
  ((code != 1)) || die "the sample's row did not appear" "$(logs); then $AGAIN verify"
  ((code == 0)) || die "this machine cannot reach the bucket or the database" \
    "the message above explains why; $AGAIN verify"
}

# --- on request -------------------------------------------------------------------------------------------

step_status() {
  local triggers query queries=() failed=0
  read -ra triggers <<<"${IS[triggers]}"
  queries=("functions get ${IS[name]} --with-revisions" "${triggers[@]/#/triggers get }" "pipelines get ${IS[pipeline]}"
    "logs get ${IS[pipeline]} --severity ERROR --since 1h --order-by desc --limit 20")
  for query in "${queries[@]}"; do
    # shellcheck disable=SC2086 # names have no spaces
    run vastde $query || failed=$((failed + 1))
  done
  ((failed == 0)) || die "$failed of ${#queries[@]} queries failed" "vastde's messages above explain why"
}

step_rollback() {
  local kept choice
  find_revision --number "$REVISION"
  kept=$(manifests_of "$REVISION")
  choice="roll back on the machine that deployed it, or '$AGAIN rollback $REVISION --current-settings' runs it \
with the settings of $CONFIG"
  if [[ -n $CURRENT_SETTINGS ]]; then
    forget function
    put_triggers "$OUT"
    put_current_pipeline
  elif [[ ! -f $kept/pipeline.yaml ]]; then
    die "the settings of revision $REVISION are not on this machine" "$choice"
  elif [[ $(secrets_of "$kept") != "$(secrets_of "$OUT")" ]]; then
    die "revision $REVISION reads another secret than EXR_INSPECTOR_SECRET names" \
      "restore EXR_INSPECTOR_SECRET in $CONFIG; then $AGAIN rollback $REVISION"
  else
    forget function
    render --revision "$REVISION"
    say "  The settings of revision $REVISION (+) replace those of $CONFIG (-):"
    diff -U0 "$OUT/pipeline.yaml" "$kept/pipeline.yaml" | grep '^[-+] ' >&2 || say "  no difference"
    put_triggers "$kept"
    put_pipeline "$kept"
  fi
  step_deploy
}

secrets_of() { grep '^ *secrets: ' "$1/pipeline.yaml"; } # FOLDER: names only

step_destroy() {
  local each triggers
  confirm
  read -ra triggers <<<"${IS[triggers]}"
  for each in "pipelines ${IS[pipeline]}" "${triggers[@]/#/triggers }" "functions ${IS[name]}"; do
    remove "${each% *}" "${each#* }"
  done
  say "  Rows, images and the secret remain; $GUIDE"
  dry || rm -rf "$OUT"
}

confirm() {
  local typed=
  [[ -z $YES$DRY_RUN ]] || return 0
  say "  This removes the pipeline, the triggers and the function. Type ${IS[name]} to continue:"
  read -r typed || true
  [[ $typed == "${IS[name]}" ]] || die "not confirmed, so nothing was removed" "type ${IS[name]}, or add --yes"
}

remove() { # KIND NAME: answer yes if vastde asks again
  dry || ask exists "$2" -- vastde "$1" list || return 0
  must "$2 was not removed" "the message above explains why; then $AGAIN destroy" vastde "$1" delete "$2" <<<y
}

# --- the order of steps -----------------------------------------------------------------------------------

parse() {
  while (($#)); do
    case $1 in
      --config) CONFIG=${2:-} ;;
      --dry-run) DRY_RUN=yes ;;
      --pixels) PIXELS=yes ;;
      --current-settings) CURRENT_SETTINGS=yes ;;
      --yes) YES=yes ;;
      -h | --help) usage && exit 0 ;;
      rollback) NAMED+=("$1") && REVISION=${2:-} ;;
      *) NAMED+=("$1") ;;
    esac
    case $1 in --config | rollback) shift ;; esac
    shift || break
  done
  local step
  for step in ${NAMED[@]+"${NAMED[@]}"}; do
    [[ " ${STEPS[*]} ${ON_REQUEST[*]} " == *" $step "* ]] || wrong_usage "there is no step $step"
    [[ $step != rollback || $REVISION =~ ^[1-9][0-9]*$ ]] || wrong_usage "rollback needs a revision number"
  done
  [[ -n $CONFIG ]] || wrong_usage "--config needs a file"
  [[ -f $CONFIG ]] || die "$CONFIG does not exist" "cp .env.example .env; chmod 600 .env; then fill it in"
}

main() {
  trap 'rm -f "$OUT/secret.yaml"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  local step
  for step in ${NAMED[@]+"${NAMED[@]}"}; do
    # The next full run repeats the steps that depend on this one. The first four change nothing.
    case $step in check | settings | cluster | test) ;; *) load && forget "$step" ;; esac
    perform "$step"
  done
  if ((${#NAMED[@]} == 0)); then all_steps; fi
}

perform() { # STEP
  [[ $1 == check ]] || load
  say "== $1"
  "step_$1"
}

all_steps() { # skip the steps that an unfinished run completed with the same settings and code
  local step
  for step in "${STEPS[@]}"; do
    if [[ -n $WANTED && ${IS[done_$step]:-} == "$WANTED" ]]; then
      say "== $step: already done"
    else
      perform "$step"
      [[ $step == check || $step == settings ]] || remember "done_$step" "$WANTED"
    fi
  done
  forget "${STEPS[0]}"
  if dry; then say "" "No command was run. The manifests are in $OUT"; return; fi
  say "" "Done.${IS[before]:+ To go back: $AGAIN rollback ${IS[before]}}"
}

((BASH_VERSINFO[0] >= 4)) || { echo "deploy.sh: bash $BASH_VERSION is too old; version 4 is required" && exit 2; }
CONFIG='' DRY_RUN='' PIXELS='' CURRENT_SETTINGS='' YES='' REVISION='' ANSWER='' SAMPLE='' TAG='' WANTED=''
NAMED=()
declare -A IS=()
parse "$@"
printf -v AGAIN './deploy.sh --config %q%s' "$CONFIG" "${PIXELS:+ --pixels}"
GUIDE="see docs/DEPLOYMENT_AUTOMATION.md"
CONFIG=$(cd "$(dirname "$CONFIG")" && pwd)/${CONFIG##*/}
OUT=${CONFIG##*/} && OUT=${OUT#.} && OUT=build/deploy/${OUT//[^A-Za-z0-9]/_}-$(cksum <<<"$CONFIG" | cut -d ' ' -f 1)${PIXELS:+-pixels}
# Paths are relative from here on: vastde splits a path at a comma.
cd "$(dirname "${BASH_SOURCE[0]}")"

export PYTHONPATH="$PWD:$PWD/functions/exr_inspector" PYTHONDONTWRITEBYTECODE=1
PYTHON=${PYTHON:-$PWD/.venv/bin/python}
[[ -x $PYTHON ]] || PYTHON=python3
"$PYTHON" -c 'import exr_inspector.apps.cli' 2>/dev/null ||
  die "$PYTHON is not Python 3.10 or later with the extra 'cli'" "make install"
PACK=("$PYTHON" -m deploy.pack)
lock

# The filter ignores interrupts, so that the last messages are printed.
main 2>&1 | (trap '' INT && exec "$PYTHON" -m deploy.mask "$CONFIG" 9>&-)

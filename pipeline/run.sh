#!/usr/bin/env bash
# What every pipeline calls, whoever runs it: docs/pipeline.md. It decides nothing; `strata` does.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: pipeline/run.sh plan [--offline] [--base REV] [--reviewed FILE]
       pipeline/run.sh deploy FILE [--wave N]
       pipeline/run.sh drift [--accounts]

  plan     check the configuration, report what it changes for people and accounts,
           plan, and write the list of changes. Changes nothing, reads only.
             --offline         check and report only: no credentials
             --base REV        the git revision to report changes against
             --reviewed FILE   stop when the list is not this one; FILE is none that plan writes
  deploy   plan anew, and apply where the list of changes is the one in FILE.
           FILE is a list that plan wrote, or the hash of one.
             --wave N          a wave of the layers in member accounts; 0 is what is in none
  drift    compare AWS with the configuration and the states. Reads only.
             --accounts        and plan every stack, which asks AWS about layers in member accounts

Everything is written to the folder pipeline.out, or the one in STRATA_OUT:
  summary.md     for a comment or the page of the run: report, plan, hash of the list
  changes.json   the list of changes: what people approve, and what deploy takes
  drift.txt      what drift said

Environment:
  STRATA_CONFIG  the configuration folder, else config
  STRATA         the command to run, else .venv/bin/strata, which make setup makes
  STRATA_OUT     the folder to write to, else pipeline.out
  AWS_...        credentials, as for the AWS CLI

Exit codes:
  0   done; nothing differs
  1   a fault or a failure; of drift: something could not be read
  2   the command line is wrong
  3   plan, deploy: the list is another one, and nothing was changed; drift: it drifted
  4   deploy: the list is deployed, and more can be planned only now: plan again
  5   plan: the list is without accounts that cannot be planned, and may be deployed
TEXT
}

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
out="${STRATA_OUT:-pipeline.out}"

wrong() {
  printf 'error: %s\n' "$1" >&2
  usage >&2
  exit 2
}

prepare() {
  mkdir -p "$out"
  if [ -z "${STRATA:-}" ]; then
    make --silent -C "$here" setup >&2
    STRATA="$here/.venv/bin/strata"
  fi
}

# Code for Markdown: indented, it stays code whatever it holds.
indented() {
  sed 's/^/    /'
}

plan() {
  local offline='' base='' reviewed='' code=0
  while [ $# -gt 0 ]; do
    case "$1" in
      --offline) offline=yes; shift ;;
      --base) [ -n "${2:-}" ] || wrong '--base needs a revision'; base="$2"; shift 2 ;;
      --reviewed) [ -n "${2:-}" ] || wrong '--reviewed needs a file'; reviewed="$2"; shift 2 ;;
      *) wrong "plan does not know $1" ;;
    esac
  done
  [ -z "$offline" ] || [ -z "$reviewed" ] || wrong '--offline makes no list to compare'
  local file made=("$out/summary.md" "$out/changes.json" "$out/plan.txt" "$out/report.md")
  for file in "${made[@]}"; do
    # The same file, also by a link or another path.
    ! [ "$reviewed" -ef "$file" ] || wrong "--reviewed $reviewed would be replaced by this plan; keep it elsewhere"
  done
  prepare
  rm -f "${made[@]}"
  "$STRATA" check
  if [ -n "$base" ]; then
    "$STRATA" report --diff "$base" --format markdown > "$out/report.md" || code=$?
    [ "$code" -eq 0 ] || [ "$code" -eq 3 ] || exit "$code"
    cat "$out/report.md" >> "$out/summary.md"
    [ "$code" -eq 0 ] || printf '\n**It widens access, loosens a guardrail or loses something: see above.**\n' >> "$out/summary.md"
    code=0
  fi
  if [ -n "$offline" ]; then
    [ -n "$base" ] || printf 'The configuration has no fault.\n' > "$out/summary.md"
    return 0
  fi
  "$STRATA" plan --changes "$out/changes.json" ${reviewed:+--expect "$reviewed"} > "$out/plan.txt" || code=$?
  cat "$out/plan.txt"
  # A fault ends with 1 as well, and without a list.
  local without='  without [0-9,]+ stacks?, which cannot be planned: .*'
  if [ "$code" -eq 1 ] && grep -qxE "$without" "$out/plan.txt"; then code=5; fi
  {
    printf '\n## Plan\n\n'
    # That very line and none that begins so, since it is no code here.
    grep -xE 'list of changes: [0-9,]+ resources?, sha256 [0-9a-f]+' "$out/plan.txt" || true
    printf '\n'
    [ "$code" -ne 3 ] || printf '**It takes away what needs a word of --allow%s; the end of the plan and the log say which.**\n\n' \
      "${reviewed:+, or is not the list that was reviewed}"
    [ "$code" -ne 5 ] || printf '**Not in the list: %s; the log has why.**\n\n' \
      "$(grep -xE "$without" "$out/plan.txt" | grep -oE '[0-9,]+ stacks?, which cannot be planned' | head -n 1)"
    case "$code" in 0 | 3 | 5) ;; *) printf '**It failed; the log has the errors.**\n\n' ;; esac
    indented < "$out/plan.txt"
  } >> "$out/summary.md"
  return "$code"
}

deploy() {
  [ -n "${1:-}" ] && [ "${1#-}" = "$1" ] || wrong 'deploy needs the list of changes that was approved, or its hash'
  local list="$1" wave=''
  shift
  if [ $# -gt 0 ]; then
    [ "$1" = --wave ] || wrong "deploy does not know $1"
    [ $# -eq 2 ] && [ -n "$2" ] || wrong '--wave needs one number'
    wave="$2"
  fi
  prepare
  "$STRATA" deploy --yes --expect "$list" ${wave:+--wave "$wave"}
}

drift() {
  [ $# -eq 0 ] || { [ "$1" = --accounts ] && [ $# -eq 1 ]; } || wrong 'drift takes --accounts only'
  prepare
  local code=0 accounts=0
  "$STRATA" drift > "$out/drift.txt" 2> "$out/drift.err" || code=$?
  if [ $# -gt 0 ]; then
    printf '\nevery stack, by a plan that asks AWS:\n' >> "$out/drift.txt"
    "$STRATA" plan --refresh --exit-code >> "$out/drift.txt" 2>> "$out/drift.err" || accounts=$?
    if [ "$code" -eq 0 ] || { [ "$code" -eq 3 ] && [ "$accounts" -ne 0 ]; }; then code="$accounts"; fi
  fi
  # What could not be read has its reason among the messages.
  [ "$code" -eq 0 ] || [ "$code" -eq 3 ] || cat "$out/drift.err" >> "$out/drift.txt"
  cat "$out/drift.txt"
  cat "$out/drift.err" >&2
  return "$code"
}

case "${1:-}" in
  plan | deploy | drift) "$@" ;;
  -h | --help | help) usage ;;
  '') wrong 'plan, deploy or drift?' ;;
  *) wrong "there is no $1" ;;
esac

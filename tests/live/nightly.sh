#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# nightly.sh BIN SCENARIOS OUT
#
# What takes too long for every change; the build target `nightly` runs it. Every stage runs even when an earlier one failed.
# Ends with the times and what failed; the results of the whole catalogue are in OUT/catalogue.xml (JUnit).
# Run as root: the catalogue's software is installed where it is missing.
# BRINK_NIGHTLY_REPEATS=20: each case of the catalogue so often, in random order (hours).
set -uo pipefail

bin=$1
scenarios=$2
out=$3
summary=()
failed=0

# stage NAME COMMAND…
stage() {
  local name=$1 begin=$SECONDS status
  shift
  printf '\n=== %s\n' "$name"
  "$@"
  status=$?
  if ((status != 0)); then failed=$((failed + 1)); fi
  summary+=("$(printf '%-56s status %d %6d s' "$name" $status $((SECONDS - begin)))")
}

# An inconclusive case fails the stage too (exit status 3): what the catalogue needs is installed, so each has a verdict.
catalogue() {
  local install=()
  if ((EUID == 0)); then install=(--install); fi
  rm -rf "$out/catalogue"
  mkdir -p "$out"
  "$bin/brink" run "$scenarios" "${install[@]}" --jobs 2 --repeat "${BRINK_NIGHTLY_REPEATS:-1}" --shuffle \
    --out "$out/catalogue" --junit "$out/catalogue.xml"
}

# The recipes of all images: those that are not there yet are made, or whose recipe calls them old; none may be missing.
images() {
  local name
  for name in mariadb memcached postgresql prometheus redis; do
    "$bin/brink" image build "$name" || return
  done
  "$bin/live_images"
}

# All kernels that brink knows, fetched where they are missing.
stage 'kernels and versions of cgroups' env BRINK_NIGHTLY=1 "$bin/live_guest" \
  --gtest_filter='GuestTest.AMatrixHasAVerdictForEachCell:LimitsInGuests.*'
stage 'the demo in a container without rights' env BRINK_NIGHTLY=1 "$bin/live_container"
stage 'the images of servers' images
stage 'the catalogue, on the host or in guests as auto has it' catalogue
# After the catalogue, which installs what they need.
stage 'shipped cases on the host and in guests, compared' "$bin/live_shipped_cases"

printf '\n'
printf '%s\n' "${summary[@]}"
printf 'the results of the catalogue: %s (JUnit), %s (evidence and logs)\n' "$out/catalogue.xml" "$out/catalogue"
((failed == 0))

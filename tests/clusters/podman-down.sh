#!/usr/bin/env bash
# podman-down.sh [STATE] [--purge]: ends the containers of podman-up.sh STATE and the process that holds their user namespace; --purge removes the images.
set -uo pipefail
NAME=podman STATE=/tmp/cellburst-test/podman
. "$(dirname "$(readlink -f "$0")")/common.sh"
if is_root; then TEST_USER=${PODMAN_TEST_USER:-cluster}; else TEST_USER=$(id -un); fi
TEST_HOME=$(getent passwd "$TEST_USER" | cut -d: -f6)
parse_down "$@"
if [ -x "$STATE/conf/enter" ]; then
  commands=('rm --all --force --time=0')
  # What lies in images belongs to other ids than one's own, and goes from within their namespace only.
  is_root || [ -z "$PURGE" ] || commands+=("unshare find $STATE/storage/graph -xdev -mindepth 1 -delete")
  for command in "${commands[@]}" 'system migrate'; do
    # shellcheck disable=SC2086 # words of a command
    HOME=$TEST_HOME timeout 30 "$STATE/conf/enter" podman $command >/dev/null 2>&1
  done
fi
finish_down

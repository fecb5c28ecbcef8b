#!/usr/bin/env bash
# podman-down.sh [STATE] [--purge]: ends the containers of podman-up.sh STATE and the process that holds their user namespace; --purge removes the images.
set -uo pipefail
NAME=podman STATE=/tmp/cellburst-test/podman TEST_USER=${PODMAN_TEST_USER:-cluster}
. "$(dirname "$(readlink -f "$0")")/common.sh"
parse_down "$@"
if [ -x "$STATE/conf/enter" ]; then
  for command in 'rm --all --force --time=0' 'system migrate'; do
    # shellcheck disable=SC2086 # words of a command
    HOME=/home/$TEST_USER timeout 30 "$STATE/conf/enter" podman $command >/dev/null 2>&1
  done
fi
finish_down

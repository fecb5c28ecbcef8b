#!/usr/bin/env bash
# sge-down.sh [STATE] [--purge]: ends the jobs and daemons of sge-up.sh STATE, each by the pid it wrote.
set -uo pipefail
NAME=sge STATE=/tmp/cellburst-test/sge
. "$(dirname "$(readlink -f "$0")")/common.sh"
parse_down "$@"
[ ! -e "$STATE/sge/default/common/settings.sh" ] || . "$STATE/sge/default/common/settings.sh"
SPOOL=$STATE/spool

queue_empty() { [ -z "$(timeout 5 qstat -u '*' 2>/dev/null)" ]; }

if running "$SPOOL/qmaster/qmaster.pid" sge_qmaster >/dev/null && ! queue_empty; then
  timeout 10 qdel -f -u '*' >/dev/null 2>&1
  for _ in $(seq 50); do queue_empty && break || sleep 0.1; done
fi
for file in "$SPOOL"/execd/*/execd.pid; do [ ! -e "$file" ] || stop "$file" sge_execd 10; done
# Shepherds outlive their daemon; ours are those whose working directory lies in this spool.
for directory in /proc/[0-9]*; do
  [ "$(cat "$directory/comm" 2>/dev/null)" = sge_shepherd ] || continue
  case $(readlink "$directory/cwd" 2>/dev/null) in
    "$SPOOL"/*)
      pid=${directory#/proc/}
      for child in $(cat "$directory/task/$pid/children" 2>/dev/null); do kill -KILL -- "-$child" 2>/dev/null; done
      kill -KILL "$pid" 2>/dev/null
      ;;
  esac
done
stop "$SPOOL/qmaster/qmaster.pid" sge_qmaster 20
finish_down

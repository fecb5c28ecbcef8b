#!/usr/bin/env bash
# slurm-down.sh [STATE] [--purge]: ends the jobs and daemons of slurm-up.sh STATE, each by the pid it wrote, and removes the cgroups they made.
set -uo pipefail
NAME=slurm STATE=/tmp/cellburst-test/slurm
. "$(dirname "$(readlink -f "$0")")/common.sh"
parse_down "$@"
export SLURM_CONF=$STATE/etc/slurm.conf PATH=/usr/sbin:/sbin:$PATH

queue_empty() { [ -z "$(timeout 5 squeue -h -o %A 2>/dev/null)" ]; }

# Jobs first, so that no step outlives its cluster.
if running "$STATE/run/slurmctld.pid" slurmctld >/dev/null && ! queue_empty; then
  mapfile -t ids < <(timeout 5 squeue -h -o %A | sort -u)
  timeout 10 scancel --signal=KILL --full "${ids[@]}" 2>/dev/null
  timeout 10 scancel "${ids[@]}" 2>/dev/null
  for _ in $(seq 100); do queue_empty && break || sleep 0.1; done
fi
for file in "$STATE"/run/slurmd.*.pid; do [ ! -e "$file" ] || stop "$file" slurmd 5; done
# A step's own daemon has no pid file; it carries our configuration in its environment.
for directory in /proc/[0-9]*; do
  [ "$(cat "$directory/comm" 2>/dev/null)" = slurmstepd ] || continue
  tr '\0' '\n' 2>/dev/null <"$directory/environ" | grep -qx "SLURM_CONF=$SLURM_CONF" && kill -KILL "${directory#/proc/}" 2>/dev/null
done
stop "$STATE/run/slurmctld.pid" slurmctld 10
stop "$STATE/run/slurmdbd.pid" slurmdbd 10
stop "$STATE/run/mariadbd.pid" mariadbd 20
stop "$STATE/run/munged.pid" munged 5
for spool in "$STATE"/spool.*; do
  for group in /sys/fs/cgroup/*/"slurm_${spool##*spool.}" /sys/fs/cgroup/"slurm_${spool##*spool.}"; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
  done
done
finish_down

#!/bin/bash
# slurm.sh up | down: a real Slurm (munged, slurmctld, one slurmd) that an ordinary user runs, without cgroups, systemd, accounting or any right of root.
# Everything lies below CELLBURST_SLURM (~/.cellburst-slurm). Jobs are limited by cores; memory and time are kept by Cellburst's own runner.
set -euo pipefail
STATE=${CELLBURST_SLURM:-$HOME/.cellburst-slurm}
HOST=$(hostname -s)
export SLURM_CONF=$STATE/etc/slurm.conf PATH=$PATH:/usr/sbin:/sbin

main() {
  case ${1:-} in
    up) up ;;
    down) down ;;
    *) echo "slurm.sh up | down" >&2 && exit 2 ;;
  esac
}

up() {
  command -v munged slurmctld slurmd sbatch >/dev/null || fail "Slurm and munge are not installed (binder/apt.txt)"
  umask 077
  mkdir -p "$STATE"/{etc,run,log,munge,ctld,spool}
  [ -s "$STATE/munge/key" ] || head -c 128 /dev/urandom >"$STATE/munge/key"
  configure
  munged --force --key-file="$STATE/munge/key" --socket="$STATE/run/munge.socket" --pid-file="$STATE/run/munged.pid" \
    --log-file="$STATE/log/munged.log" --seed-file="$STATE/munge/seed"
  # -c: what an earlier container left behind is nobody's job any more.
  slurmctld -c -f "$SLURM_CONF"
  slurmd -c -f "$SLURM_CONF"
  local turn
  for turn in $(seq 150); do
    [ "$(sinfo --noheader --format %t 2>/dev/null)" != idle ] || break
    sleep 0.2
  done
  [ "$turn" -lt 150 ] || fail "its node is not ready: $(tail -n 3 "$STATE/log/slurmctld.log")"
  echo "Slurm is up: $(sinfo --noheader --format '%P %c cores %m MB')"
}

configure() {
  local version major ports
  version=$(slurmctld -V)
  version=${version##* }
  major=${version%%.*}
  read -r -a ports <<<"$(free_ports)"
  # Newer ones look for cgroups unless they are told not to; older ones do not know the word.
  [ "$major" -lt 23 ] || echo 'CgroupPlugin=disabled' >"$STATE/etc/cgroup.conf"
  cat >"$SLURM_CONF" <<END
ClusterName=binder
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$STATE/run/munge.socket
CredType=cred/munge
StateSaveLocation=$STATE/ctld
SlurmdSpoolDir=$STATE/spool
SlurmctldPidFile=$STATE/run/slurmctld.pid
SlurmdPidFile=$STATE/run/slurmd.pid
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdLogFile=$STATE/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=200
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=2
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$STATE/log/jobs.txt
ReturnToService=2
MinJobAge=3600
KillWait=5
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$(cores) RealMemory=$(memory_mb) State=UNKNOWN
PartitionName=demo Nodes=ALL Default=YES MaxTime=120 DefaultTime=10 State=UP
END
}

# Two at least: a demo of many cores with one is none.
cores() {
  local there
  there=$(nproc)
  echo $((there < 2 ? 2 : there))
}

# What the container may use, which /proc/meminfo does not tell.
memory_mb() {
  local limit total
  total=$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) / 1024))
  limit=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1 || true)
  case $limit in
    '' | max | *[!0-9]*) echo "$total" ;;
    *) limit=$((limit / 1048576)) && echo $((limit < total ? limit : total)) ;;
  esac
}

free_ports() {
  node -e 'const { createServer } = require("node:net");
    const servers = [0, 0].map((port) => createServer().listen(port, "127.0.0.1"));
    setTimeout(() => {
      console.log(servers.map((server) => server.address().port).join(" "));
      for (const server of servers) server.close();
    }, 50);'
}

down() {
  local name pid
  for name in slurmd slurmctld munged; do
    pid=$(cat "$STATE/run/$name.pid" 2>/dev/null) || continue
    # A recycled number is somebody else's.
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$name" ] || kill "$pid"
  done
}

fail() {
  echo "slurm.sh: $*" >&2
  exit 1
}

main "$@"

#!/usr/bin/env bash
# slurm-up.sh [STATE]: starts a private Slurm with accounting on this one machine (munged, mariadbd, slurmdbd, slurmctld and NODES x slurmd) from
# Debian's packages, proves it with a job, prints what a client needs as KEY=VALUE. Run again, it prints the same. Ended by slurm-down.sh STATE.
# Settings: SLURM_BASE_PORT (16800), SLURM_NODE_PREFIX (n), SLURM_TEST_USER (cluster; empty for none), SLURM_NODES (2).
# Two at once need two base ports and two prefixes: the memory cgroups are named after the node.
set -euo pipefail
NAME=slurm
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/common.sh"
STATE=$(absolute "${1:-/tmp/cellburst-test/slurm}")
PORT=${SLURM_BASE_PORT:-16800} PREFIX=${SLURM_NODE_PREFIX:-n} TEST_USER=${SLURM_TEST_USER-cluster} NODES=${SLURM_NODES:-2}
HOST=$(hostname -s)
export PATH=/usr/sbin:/sbin:$PATH SLURM_CONF=$STATE/etc/slurm.conf

main() {
  need_root "slurmd changes users and limits memory"
  claim "$STATE"
  install_slurm
  add_user "$TEST_USER"
  if ! all_up; then
    "$HERE/slurm-down.sh" "$STATE"
    configure
    start_munge
    start_accounting
    start_controller
    start_nodes
    prove
  fi
  say ready
  print_settings
}

install_slurm() {
  local missing=() pair
  for pair in munged:munge slurmctld:slurmctld slurmd:slurmd sbatch:slurm-client slurmdbd:slurmdbd mariadbd:mariadb-server-core \
    my_print_defaults:mariadb-client-core; do # mariadb-install-db calls the last one without depending on its package
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  install "${missing[@]}"
}

all_up() {
  running "$STATE/run/slurmctld.pid" slurmctld >/dev/null && scontrol ping 2>/dev/null | grep -q 'is UP' || return 1
  local n
  for n in $(seq "$NODES"); do running "$STATE/run/slurmd.$PREFIX$n.pid" slurmd >/dev/null || return 1; done
}

configure() {
  local port directory
  for port in "$PORT" $((PORT + 1)); do free_port "$port" SLURM_BASE_PORT; done
  mkdir -p "$STATE"/{etc,run,log,munge,mysql,ctld,dev}
  for directory in $(seq -f "$STATE/spool.$PREFIX%g" "$NODES"); do mkdir -p "$directory"; done
  [ -s "$STATE/munge/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$STATE/munge/munge.key")
  choose_memory_limits
  write_cgroup_conf >"$STATE/etc/cgroup.conf"
  write_slurm_conf >"$STATE/etc/slurm.conf"
  (umask 077 && write_slurmdbd_conf >"$STATE/etc/slurmdbd.conf")
  # A GPU counts only where its device file exists; any file will do.
  touch "$STATE"/dev/gpu{0,1}
  echo "NodeName=$PREFIX[1-$NODES] Name=gpu File=$STATE/dev/gpu[0-1]" >"$STATE/etc/gres.conf"
}

# Memory is limited by cgroup where its controller can be written, else by polling. 22.05's plugin for cgroup v2 asks systemd for a scope, and does not
# start without it; "autodetect" keeps slurmd from starting where it detects neither.
choose_memory_limits() {
  ENFORCE=poll CGROUP=cgroup/v1
  local probe
  if [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; then
    if [ -d /run/systemd/system ] && grep -qw memory /sys/fs/cgroup/cgroup.controllers; then ENFORCE=cgroup CGROUP=cgroup/v2; fi
  elif probe=$(mktemp -d /sys/fs/cgroup/memory/probe.XXXX 2>/dev/null); then
    rmdir "$probe"
    if probe=$(mktemp -d /sys/fs/cgroup/freezer/probe.XXXX 2>/dev/null); then rmdir "$probe" && ENFORCE=cgroup; fi
  fi
  echo "$ENFORCE" >"$STATE/etc/enforce"
}

write_cgroup_conf() {
  cat <<END
CgroupAutomount=no
CgroupPlugin=$CGROUP
ConstrainCores=no
ConstrainDevices=no
ConstrainRAMSpace=$([ "$ENFORCE" = cgroup ] && echo yes || echo no)
ConstrainSwapSpace=no
AllowedRAMSpace=100
MinRAMSpace=8
END
}

# Daemons listen on loopback alone only where the machine's own name leads to exactly 127.0.0.1 (with Debian's 127.0.1.1 srun breaks).
loopback_only() { [ "$(getent ahostsv4 "$HOST" | awk 'NR == 1 { print $1 }')" != 127.0.0.1 ] || echo "CommunicationParameters=$1"; }

write_slurm_conf() {
  local track=proctrack/cgroup task=task/cgroup
  [ "$ENFORCE" = cgroup ] || track=proctrack/linuxproc task=task/none
  cat <<END
ClusterName=cellburst
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
AuthType=auth/munge
# cred_expire is also how long a requeued job waits before it may start again (120 s by default).
AuthInfo=socket=$STATE/run/munge.socket,cred_expire=15
CredType=cred/munge
$(loopback_only NoInAddrAny,NoCtldInAddrAny)
MpiDefault=none
StateSaveLocation=$STATE/ctld
SlurmctldPidFile=$STATE/run/slurmctld.pid
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdPidFile=$STATE/run/slurmd.%n.pid
SlurmdLogFile=$STATE/log/slurmd.%n.log
SlurmdSpoolDir=$STATE/spool.%n
# More processors and memory than the machine has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
ProctrackType=$track
TaskPlugin=$task
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
$([ "$ENFORCE" = cgroup ] || echo JobAcctGatherParams=OverMemoryKill)
GresTypes=gpu
# Short waits: a site's own latencies are longer.
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1,bf_continue,requeue_delay=0
SlurmdTimeout=10
SlurmctldTimeout=10
# A node that takes longer to answer has its new job cancelled by root: on a busy machine 5 s are too few.
MessageTimeout=10
TCPTimeout=2
KillWait=2
CompleteWait=0
EpilogMsgTime=0
MinJobAge=300
InactiveLimit=0
Waittime=0
ReturnToService=2
MaxJobCount=20000
# Jobs of scavenge have to give way to those of the other partitions.
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT + 1))
AccountingStorageUser=root
AccountingStoragePass=$STATE/run/munge.socket
NodeName=$PREFIX[1-$NODES] NodeHostname=$HOST NodeAddr=127.0.0.1 Port=[$((PORT + 10))-$((PORT + 9 + NODES))] CPUs=64 Boards=1 SocketsPerBoard=1 CoresPerSocket=64 ThreadsPerCore=1 RealMemory=16000 Gres=gpu:2 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=120 DefaultTime=10 PriorityTier=2 PreemptMode=OFF State=UP
PartitionName=short Nodes=ALL MaxTime=1 DefaultTime=1 PriorityTier=2 PreemptMode=OFF State=UP
PartitionName=drained Nodes=ALL MaxTime=120 PriorityTier=2 PreemptMode=OFF State=DRAIN
PartitionName=scavenge Nodes=ALL MaxTime=120 PriorityTier=1 PreemptMode=CANCEL State=UP
END
}

write_slurmdbd_conf() {
  cat <<END
AuthType=auth/munge
AuthInfo=socket=$STATE/run/munge.socket
DbdHost=$HOST
DbdAddr=127.0.0.1
DbdPort=$((PORT + 1))
$(loopback_only NoInAddrAny)
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
PidFile=$STATE/run/slurmdbd.pid
LogFile=$STATE/log/slurmdbd.log
DebugLevel=info
END
}

start_munge() {
  rm -f "$STATE/run/munge.socket"*
  munged --force --key-file="$STATE/munge/munge.key" --socket="$STATE/run/munge.socket" --pid-file="$STATE/run/munged.pid" \
    --log-file="$STATE/log/munged.log" --seed-file="$STATE/munge/munge.seed" 2>>"$STATE/log/munged.err" || die "munged: $(tail -n 3 "$STATE/log/munged.err")"
  await 10 munged "$STATE/log/munged.log" munge -n -S "$STATE/run/munge.socket"
}

start_accounting() {
  local socket=$STATE/run/mysql.sock database=$STATE/mysql/base
  if [ ! -d "$database/mysql" ]; then
    mariadb-install-db --no-defaults --user=root --datadir="$database" --auth-root-authentication-method=normal --skip-test-db \
      >"$STATE/log/mariadb-install.log" 2>&1 || die "mariadb-install-db: $(tail -n 5 "$STATE/log/mariadb-install.log")"
  fi
  setsid mariadbd --no-defaults --user=root --datadir="$database" --socket="$socket" --pid-file="$STATE/run/mariadbd.pid" --skip-networking \
    --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 --innodb-lock-wait-timeout=900 --skip-log-bin --performance-schema=OFF \
    >"$STATE/log/mariadbd.log" 2>&1 </dev/null &
  await 60 mariadbd "$STATE/log/mariadbd.log" test -S "$socket"
  # The database's client library finds the socket by this variable.
  MYSQL_UNIX_PORT=$socket SLURM_CONF=$STATE/etc/slurmdbd.conf slurmdbd 2>>"$STATE/log/slurmdbd.err" || die "slurmdbd: $(tail -n 3 "$STATE/log/slurmdbd.err")"
  await 60 slurmdbd "$STATE/log/slurmdbd.log" sacctmgr -n list cluster
}

start_controller() {
  slurmctld -f "$SLURM_CONF" 2>>"$STATE/log/slurmctld.err" || die "slurmctld: $(tail -n 3 "$STATE/log/slurmctld.err")"
  await 30 slurmctld "$STATE/log/slurmctld.log" sh -c "scontrol ping | grep -q 'is UP'"
}

start_nodes() {
  local node
  for node in $(seq -f "$PREFIX%g" "$NODES"); do
    slurmd -f "$SLURM_CONF" -N "$node" 2>>"$STATE/log/slurmd.$node.err" || die "slurmd $node: $(tail -n 3 "$STATE/log/slurmd.$node.err")"
  done
  await 30 "the nodes of Slurm" "$STATE/log/slurmd.${PREFIX}1.log" nodes_ready
}

nodes_ready() { [ "$(sinfo -h -N -p debug -t idle,alloc,mix -o %N | sort -u | wc -l)" = "$NODES" ]; }

# A busy controller lets srun wait and says so beside the answer, or answers too late: then once more.
prove() {
  local said attempt complaints=$STATE/log/proof.err
  for attempt in 1 2 3; do
    said=$(cd / && timeout 60 srun --quiet -n1 --mem=50 echo a job ran 2>"$complaints") && [ "$said" = 'a job ran' ] && return
    say "the first job failed (attempt $attempt): $said $(tail -n 3 "$complaints")"
  done
  die "the first job failed: $said $(tail -n 3 "$complaints")"
}

print_settings() {
  cat <<END
SLURM_CONF=$SLURM_CONF
SLURM_STATE=$STATE
SLURM_TEST_USER=$TEST_USER
SLURM_TEST_NODES=$PREFIX[1-$NODES]
SLURM_TEST_ENFORCE=$(cat "$STATE/etc/enforce")
END
}

main

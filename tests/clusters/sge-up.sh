#!/usr/bin/env bash
# sge-up.sh [STATE]: starts a private Grid Engine (Son of Grid Engine: sge_qmaster, sge_execd) on this one machine from Debian's packages, with a cell of
# its own, proves it with a job, prints what a client needs as KEY=VALUE. Run again, it prints the same. Ended by sge-down.sh STATE.
# Grid Engine has no setting for it and listens on all addresses, trusting any client: only for a machine that is closed to others.
# Settings: SGE_BASE_PORT (16900), SGE_TEST_USER (cluster; empty for none), SGE_SLOTS (64).
set -euo pipefail
NAME=sge
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/common.sh"
STATE=$(absolute "${1:-/tmp/cellburst-test/sge}")
PORT=${SGE_BASE_PORT:-16900} TEST_USER=${SGE_TEST_USER-cluster} SLOTS=${SGE_SLOTS:-64}
LIB=/usr/lib/gridengine SHARE=/usr/share/gridengine SPOOL=$STATE/spool
unset SGE_ARCH SGE_MASTER_PIDFILE

main() {
  need_root "sge_execd changes users"
  # Grid Engine looks up the machine's own name and gives up when that fails; no alias file helps then.
  getent hosts "$(hostname)" >/dev/null || cannot "the name of this machine, '$(hostname)', does not resolve: add '127.0.0.1 $(hostname)' to /etc/hosts"
  claim "$STATE"
  install_sge
  add_user "$TEST_USER"
  ARCH=$(SGE_ROOT=/nonexistent "$SHARE/util/arch")
  export SGE_ROOT=$STATE/sge SGE_CELL=default SGE_QMASTER_PORT=$PORT SGE_EXECD_PORT=$((PORT + 1)) SGE_CLUSTER_NAME=cellburst
  COMMON=$SGE_ROOT/default/common
  if ! all_up; then
    "$HERE/sge-down.sh" "$STATE"
    local port
    for port in "$PORT" $((PORT + 1)); do free_port "$port" SGE_BASE_PORT; done
    make_cell
    start_master
    [ -e "$STATE/conf/done" ] || configure
    start_node
    prove
  fi
  say ready
  print_settings
}

install_sge() {
  local missing=() pair
  for pair in sge_qmaster:gridengine-master sge_execd:gridengine-exec qsub:gridengine-client; do
    [ -x "$LIB/${pair%%:*}" ] || missing+=("${pair#*:}")
  done
  # The package's own cell is not wanted: answer its questions.
  [ ${#missing[@]} = 0 ] || printf '%s\n' 'gridengine-master shared/gridengineconfig boolean false' 'gridengine-common shared/gridengineconfig boolean false' |
    debconf-set-selections 2>/dev/null || true
  install "${missing[@]}"
}

# execd names its folder by the name it found for itself: localhost or the machine's.
execd_file() { local file; for file in "$SPOOL"/execd/*/"$1"; do :; done; echo "$file"; }

all_up() {
  running "$SPOOL/qmaster/qmaster.pid" sge_qmaster >/dev/null && running "$(execd_file execd.pid)" sge_execd >/dev/null && timeout 10 qstat >/dev/null 2>&1
}

make_cell() {
  mkdir -p "$COMMON" "$SGE_ROOT"/{bin,lib,utilbin} "$SPOOL"/{qmaster/job_scripts,execd,db} "$STATE"/{conf,log}
  local folder
  for folder in bin lib utilbin; do ln -sfn $LIB "$SGE_ROOT/$folder/$ARCH"; done
  ln -sfn $SHARE/util "$SGE_ROOT/util"
  echo localhost >"$COMMON/act_qmaster"
  echo "localhost $(own_names)" >"$COMMON/host_aliases"
  write_bootstrap >"$COMMON/bootstrap"
  local key
  for key in SGE_ROOT SGE_CELL SGE_QMASTER_PORT SGE_EXECD_PORT SGE_CLUSTER_NAME; do echo "export $key=${!key}"; done >"$COMMON/settings.sh"
  [ -e "$STATE/conf/done" ] || spool_defaults >"$STATE/log/spool.log" 2>&1 || die "the spool could not be made: $(tail -n 5 "$STATE/log/spool.log")"
}

# One name for this machine, whatever /etc/hosts says: the name that an address leads to and the name a daemon calls itself have to agree.
own_names() {
  {
    hostname
    hostname -s
    hostname -f
    getent hosts 127.0.0.1
    getent hosts "$(hostname)"
    awk '{ sub(/#.*/, "") } $1 == "127.0.0.1" || $1 == "127.0.1.1" { for (i = 2; i <= NF; i++) print $i }' /etc/hosts
  } 2>/dev/null | tr -s ' \t' '\n' | grep '[a-zA-Z]' | grep -vx localhost | sort -u | tr '\n' ' ' || true
}

write_bootstrap() {
  cat <<END
admin_user none
default_domain none
ignore_fqdn true
spooling_method classic
spooling_lib libspoolc
spooling_params $COMMON;$SPOOL/qmaster
binary_path $SGE_ROOT/bin
qmaster_spool_dir $SPOOL/qmaster
security_mode none
listener_threads 2
worker_threads 2
scheduler_threads 1
jvm_threads 0
END
}

# Root may submit, all is reported at once, no job is a login shell.
spool_defaults() {
  sed -e "s#^execd_spool_dir.*#execd_spool_dir $SPOOL/execd#" -e 's/^min_uid.*/min_uid 0/' -e 's/^min_gid.*/min_gid 0/' \
    -e 's/^shell_start_mode.*/shell_start_mode unix_behavior/' -e 's/^administrator_mail.*/administrator_mail none/' -e 's#^mailer.*#mailer /bin/true#' \
    -e 's/^login_shells.*/login_shells none/' -e 's/^load_report_time.*/load_report_time 00:00:01/' -e 's/^max_unheard.*/max_unheard 00:00:10/' \
    -e 's/^execd_params.*/execd_params ENABLE_ADDGRP_KILL=true,KEEP_ACTIVE=false/' \
    -e 's/^reporting_params.*/reporting_params accounting=true reporting=false flush_time=00:00:01 accounting_flush_time=00:00:00 joblog=false sharelog=00:00:00/' \
    $SHARE/default-configuration >"$STATE/conf/global"
  "$LIB/spoolinit" classic libspoolc "$COMMON;$SPOOL/qmaster" init
  "$LIB/spooldefaults" configuration "$STATE/conf/global"
  "$LIB/spooldefaults" complexes $SHARE/util/resources/centry
  "$LIB/spooldefaults" usersets $SHARE/util/resources/usersets
  "$LIB/spooldefaults" managers root
}

start_master() {
  (cd / && setsid "$LIB/sge_qmaster" >"$STATE/log/qmaster.out" 2>&1 </dev/null) || die "sge_qmaster: $(tail -n 5 "$STATE/log/qmaster.out")"
  await 30 sge_qmaster "$STATE/log/qmaster.out" qconf -sh
}

change() { qconf "$@" >>"$STATE/log/qconf.log" 2>&1 || die "qconf $*: $(tail -n 3 "$STATE/log/qconf.log")"; }

configure() {
  local conf=$STATE/conf
  qconf -sh | grep -qx localhost || change -ah localhost
  change -as localhost
  cat >"$conf/host" <<END
hostname localhost
load_scaling NONE
complex_values h_vmem=256G,slots=$SLOTS
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
END
  # h_vmem becomes a consumable. Its default must not stay 0: that is a limit of 0, and every job without -l h_vmem would be killed at once.
  qconf -sc | sed -E 's/^(h_vmem +h_vmem +MEMORY +<= +YES +)NO( +)[^ ]+/\1YES\22G/' >"$conf/complex"
  change -Mc "$conf/complex"
  change -Ae "$conf/host"
  printf 'group_name @allhosts\nhostlist localhost\n' >"$conf/group"
  change -Ahgrp "$conf/group"
  parallel_environment smp '$pe_slots' >"$conf/smp"
  change -Ap "$conf/smp"
  parallel_environment mpi '$fill_up' >"$conf/mpi"
  change -Ap "$conf/mpi"
  # For a queue that does not exist qconf -sq prints a template.
  qconf -sq | sed -e 's/^qname .*/qname all.q/' -e 's/^hostlist .*/hostlist @allhosts/' -e "s/^slots .*/slots $SLOTS/" -e 's#^shell .*#shell /bin/bash#' \
    -e 's/^shell_start_mode .*/shell_start_mode unix_behavior/' -e 's/^pe_list .*/pe_list smp mpi/' -e 's/^load_thresholds .*/load_thresholds NONE/' \
    -e 's/^notify .*/notify 00:00:05/' -e 's/^rerun .*/rerun FALSE/' >"$conf/all.q"
  change -Aq "$conf/all.q"
  sed -e 's/^qname .*/qname short.q/' -e 's/^h_rt .*/h_rt 00:00:05/' "$conf/all.q" >"$conf/short.q"
  change -Aq "$conf/short.q"
  qconf -ssconf | sed -e 's/^schedule_interval .*/schedule_interval 0:0:1/' -e 's/^flush_submit_sec .*/flush_submit_sec 1/' \
    -e 's/^flush_finish_sec .*/flush_finish_sec 1/' -e 's/^schedd_job_info .*/schedd_job_info true/' \
    -e 's/^job_load_adjustments .*/job_load_adjustments NONE/' -e 's/^load_formula .*/load_formula -slots/' >"$conf/scheduler"
  change -Msconf "$conf/scheduler"
  touch "$conf/done"
}

parallel_environment() { # NAME RULE
  cat <<END
pe_name $1
slots 999
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule $2
control_slaves TRUE
job_is_first_task TRUE
urgency_slots min
accounting_summary TRUE
qsort_args NONE
END
}

start_node() {
  (cd / && setsid "$LIB/sge_execd" >"$STATE/log/execd.out" 2>&1 </dev/null) || die "sge_execd: $(tail -n 5 "$STATE/log/execd.out")"
  await 30 "the queue of Grid Engine" "$STATE/log/execd.out" queue_ready
}

# After a start the load reads -NA- at first, and the sixth column holds a state while the node is not heard.
queue_ready() { [ "$(qstat -f -q all.q | awk '$1 == "all.q@localhost" { print NF, ($4 == "-NA-") }')" = '5 0' ]; }

prove() {
  local said
  said=$(cd / && timeout 60 qsub -q all.q -sync y -b y -j y -o /dev/null /bin/true 2>&1) || die "the first job failed: $said"
}

print_settings() {
  local key
  for key in SGE_ROOT SGE_CELL SGE_QMASTER_PORT SGE_EXECD_PORT SGE_CLUSTER_NAME; do echo "$key=${!key}"; done
  echo "SGE_STATE=$STATE"
  echo "SGE_TEST_USER=$TEST_USER"
}

main

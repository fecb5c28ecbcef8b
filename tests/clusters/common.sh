# Shared by the scripts that start and stop real systems for tests. Sourced, with NAME set to slurm, sge or sshd.
# Contract: KEY=VALUE lines on stdout and nothing else; all talk on stderr; exit 77 when this machine cannot (not root, no packages),
# 1 when it should have worked. The last line on stderr that begins with ERROR: is the reason.

CANNOT=77
STARTED=$(date +%s%N)

say() { printf '[%s %5d ms] %s\n' "$NAME" $((($(date +%s%N) - STARTED) / 1000000)) "$*" >&2; }
die() {
  echo "ERROR: $*" >&2
  exit 1
}
cannot() {
  echo "ERROR: $*" >&2
  exit $CANNOT
}

# absolute PATH: the path, made absolute.
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac }

is_root() { [ "$(id -u)" = 0 ]; }
need_root() { is_root || cannot "$NAME needs root here: $1"; }

# claim DIRECTORY: makes the state directory and marks it ours, which is what lets a down script remove it. We write into it, so nobody but us and root may
# own it or what is above it; the test user works in it, so it must not be closed to others (a login's own XDG_RUNTIME_DIR is).
claim() {
  mkdir -p "$1"
  local directory=$1
  while [ "$directory" != / ]; do
    case $(stat -c %u "$directory") in 0 | "$(id -u)") ;; *) die "$directory belongs to somebody else: name another state directory" ;; esac
    case $(stat -c %A "$directory") in
      *[xt]) ;;
      *) [ "$directory" = "$1" ] || die "$directory is closed to other users, who have to reach $1: name another state directory" ;;
    esac
    directory=$(dirname "$directory")
  done
  chmod 755 "$1"
  echo "$NAME" >"$1/.cellburst-test"
}

# ours DIRECTORY: was it claimed for this system?
ours() { [ "$(cat "$1/.cellburst-test" 2>/dev/null)" = "$NAME" ]; }

# install PACKAGE...: from the distribution, by name. A policy file keeps the packages from starting daemons of their own, and goes again.
install() {
  [ $# -gt 0 ] || return 0
  is_root || cannot "these packages are missing, and only root can install them: $*"
  command -v apt-get >/dev/null || cannot "these packages are missing and there is no apt-get to install them: $*"
  say "installing $*"
  local policy=/usr/sbin/policy-rc.d made= failed= log=$STATE/apt.log
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    made=1
  fi
  export DEBIAN_FRONTEND=noninteractive
  local get=(timeout 300 apt-get -o DPkg::Lock::Timeout=240 -o Acquire::Retries=2 install -y --no-install-recommends "$@")
  "${get[@]}" >"$log" 2>&1 || { timeout 120 apt-get update >>"$log" 2>&1 && "${get[@]}" >>"$log" 2>&1; } || failed=1
  [ -z "$made" ] || rm -f $policy
  [ -z "$failed" ] || { tail -n 15 "$log" >&2; cannot "apt-get could not install: $*"; }
}

# add_user NAME: a plain user, who submits the jobs. Left on the machine afterwards.
add_user() { [ -z "$1" ] || id "$1" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$1" || die "the user $1 could not be made"; }

# running PIDFILE PROGRAM: prints the pid if that process lives and is that program. A recycled pid is nobody's.
running() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] && echo "$pid"
}

# gone PID: ended, or a zombie that its parent has not collected.
gone() { [ ! -e "/proc/$1" ] || [ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null)" = Z ]; }

# stop PIDFILE PROGRAM SECONDS: TERM, then KILL after SECONDS.
stop() {
  local pid turns=$(($3 * 20))
  pid=$(running "$1" "$2") || { rm -f "$1"; return 0; }
  kill -TERM "$pid" 2>/dev/null
  while [ $turns -gt 0 ] && ! gone "$pid"; do
    sleep 0.05
    turns=$((turns - 1))
  done
  gone "$pid" || { say "$2 ($pid) does not end on TERM: KILL"; kill -KILL "$pid" 2>/dev/null; }
  rm -f "$1"
}

# await SECONDS WHAT LOG COMMAND...: until the command succeeds; else the end of the log, and die.
await() {
  local turns=$(($1 * 20)) what=$2 log=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    turns=$((turns - 1))
    if [ $turns -le 0 ]; then
      tail -n 20 "$log" >&2
      die "$what was not ready in time (log: $log)"
    fi
    sleep 0.05
  done
}

# free_port PORT SETTING: a foreign daemon on our port would be taken for ours.
free_port() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || die "port $1 is taken: set $2"; }

# parse_down ARGUMENT...: [STATE] [--purge] → STATE, PURGE; leaves when there is nothing of ours.
parse_down() {
  PURGE=
  for argument; do case $argument in --purge) PURGE=1 ;; *) STATE=$argument ;; esac done
  STATE=$(absolute "$STATE")
  ours "$STATE" || { say "nothing of ours at $STATE"; exit 0; }
}

finish_down() {
  [ -z "$PURGE" ] || rm -rf "$STATE"
  say down
}
